import * as HLS from 'hls-parser';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { dataPaths } from '../../platform/config/addresses.js';
import { publishUrl, StackApi } from '../launcher/stack/stack-api.js';
import { RetryingPublisher } from '../drill/publisher.js';
import { waitFor } from '../drill/wait.js';
import { startStack, type Stack } from '../launcher/stack/stack.js';
import type { EncoderRecord } from '../../media/encoder/encoder-registry.js';
import { describeMachine } from './machine.js';
import { follow, type PlaylistHistory } from './playlist-follower.js';
import { keepResult, table } from './results.js';

export interface ConformanceBenchOptions {
  ffmpegPath: string;
  minutes: number;
  /** Of a stream with `passthrough: auto`: copied until the encoder is killed, encoded from there on. */
  passthrough: boolean;
}

HLS.setOptions({ strictMode: true });

const MS_PER_MINUTE = 60_000;
const LIVE_LIMIT_MS = 30_000;
/** Long enough for several segments of the slate. */
const AWAY_MS = 8000;
/** More than these say nothing new. */
const SHOWN_FINDINGS = 20;

/**
 * Follows every playlist of a live stream by blocking reload, with a checker that remembers what was listed and with
 * hls-parser in strict mode, through a killed encoder (after a third of the time) and a publisher that is away for some
 * seconds (after two thirds). @returns true when nothing was found
 */
export async function runConformanceBench({ ffmpegPath, minutes, passthrough }: ConformanceBenchOptions): Promise<boolean> {
  const stack = await startStack();
  const api = new StackApi(await stack.run());
  const stream = await api.createStream({ name: 'conformance bench', passthrough: passthrough ? 'auto' : 'never' });
  const publisher = new RetryingPublisher({ ffmpegPath, url: publishUrl(stream) });
  publisher.start();
  try {
    const live = async (): Promise<boolean> => (await api.stream(stream.id))?.status === 'live';
    if (!(await waitFor(live, LIVE_LIMIT_MS))) throw new Error(`The stream did not go live: ${publisher.words}`);
    const startedAt = Date.now();
    const third = (minutes * MS_PER_MINUTE) / 3;
    const strict: string[] = [];
    const following = follow({
      playlists: await playlistsOf(stream.playback.hls),
      until: () => Date.now() - startedAt >= 3 * third,
      onPlaylist: (name, { text }) => void check(name, text, strict),
    });
    await delay(third);
    const encoder = encoderOf(stack);
    if (passthrough && !encoder.copies) strict.push('the source was not copied');
    process.kill(encoder.process.pid, 'SIGKILL');
    await delay(third);
    await publisher.stop('SIGKILL');
    await delay(AWAY_MS);
    publisher.start();
    return await report({ ffmpegPath, minutes, passthrough }, await following, strict);
  } finally {
    await publisher.stop();
    await api.endStream(stream.id);
    await stack.stop();
  }
}

async function playlistsOf(url: string): Promise<Record<string, string>> {
  const playlist = HLS.parse(await (await fetch(url)).text()) as HLS.types.MasterPlaylist;
  const uris = new Set(playlist.variants.flatMap((variant) => [variant.uri, ...variant.audio.map(({ uri }) => uri ?? '')]));
  return Object.fromEntries([...uris].filter(Boolean).map((uri) => [uri.split('/').at(-2)!, new URL(uri, url).href]));
}

function check(name: string, text: string, findings: string[]): void {
  try {
    HLS.parse(text);
  } catch (error) {
    findings.push(`${name}: hls-parser: ${String(error)}`);
  }
}

function encoderOf(stack: Stack): EncoderRecord {
  const dir = dataPaths(stack.dataDir).encoders;
  const name = readdirSync(dir).find((file) => file.endsWith('.json'))!;
  return JSON.parse(readFileSync(join(dir, name), 'utf8')) as EncoderRecord;
}

async function report(
  { ffmpegPath, minutes, passthrough }: ConformanceBenchOptions,
  histories: Map<string, PlaylistHistory>,
  strict: string[],
): Promise<boolean> {
  const rows = [...histories].map(([name, history]) => {
    const segments = [...history.segments.values()];
    const broken = segments.filter(({ discontinuity }) => discontinuity).length;
    return { name, reloads: history.reloads, segments: segments.length, parts: history.partsSeen, discontinuities: broken };
  });
  const findings = [...[...histories.values()].flatMap((history) => history.findings), ...strict];
  console.log(
    `\n${table([
      [`${minutes} min of playlists`, 'reloads', 'segments', 'parts', 'discontinuities'],
      ...rows.map(({ name, ...counts }) => [name, ...Object.values(counts).map(String)]),
    ])}\n\nfindings: ${findings.length}`,
  );
  for (const finding of findings.slice(0, SHOWN_FINDINGS)) console.log(`  ${finding}`);
  const result = passthrough ? 'conformance-passthrough' : 'conformance';
  console.log(`kept in ${await keepResult(result, { machine: describeMachine(ffmpegPath), minutes, playlists: rows, findings })}`);
  return findings.length === 0;
}
