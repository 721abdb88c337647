import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StreamEvent } from '../../domain/event.js';
import type { EndCause, StreamStatus } from '../../domain/stream.js';
import { startMediaHost } from '../launcher/stack/media-host.js';
import { startStack, type Stack } from '../launcher/stack/stack.js';
import { StackApi, type StackStream } from '../launcher/stack/stack-api.js';
import { encoderMark, processesWith, signal } from './processes.js';
import { RetryingPublisher } from './publisher.js';
import type { FaultResult } from './run-fault.js';
import { StatusWatch, timeUntil } from './status-watch.js';
import { timelineProblems } from './timeline.js';
import { failuresOf } from './verdict.js';
import { waitFor } from './wait.js';

/** What an ending has to work with: a Holdfast whose encoders can be made to fail, and one broadcast. */
export interface EndingScene {
  stack: Stack;
  ffmpegPath: string;
  stream: StackStream;
  publisher: RetryingPublisher;
  /** From now on every new encoder dies at once with these words. */
  breakEncoders(words: string): Promise<void>;
  onClose(step: () => Promise<void>): void;
}

/** A fault that a broadcast does not outlive: it has to end soon, in order, and say why. */
export interface Ending {
  name: string;
  title: string;
  /** What the API has to say first, and within how long. */
  truth: { status: StreamStatus; withinMs: number };
  cause: EndCause;
  /** Where its publisher publishes; null = at the host of the launcher. */
  prepare?(scene: Omit<EndingScene, 'publisher'>): Promise<string>;
  inject(scene: EndingScene): Promise<void>;
  /** Of the finished timeline; ends of sentences. */
  problems?(events: readonly StreamEvent[]): string[];
}

const WINDOW_SECONDS = 20;
const MS_PER_SECOND = 1000;
const LIVE_LIMIT_MS = 60_000;
const STATUS_LIMIT_MS = 15_000;
/** Noticed within a minute, the window, and the steps of the end. */
const END_LIMIT_MS = 60_000 + WINDOW_SECONDS * MS_PER_SECOND + 40_000;
const GONE_STATUS_LIMIT_MS = 60_000;
const WORDS = 'drill: the encoder has no device left';

const windowOver: Ending = {
  name: 'window-over',
  title: `publisher gone for longer than its window of ${WINDOW_SECONDS} s`,
  truth: { status: 'reconnecting', withinMs: STATUS_LIMIT_MS },
  cause: 'reconnect_window_over',
  inject: ({ publisher }) => publisher.stop('SIGKILL'),
};

const hostGone = (): Ending => {
  let kill: () => Promise<void>;
  return {
    name: 'media-host-gone',
    title: 'kill -9 of a whole media host, which does not come back',
    truth: { status: 'reconnecting', withinMs: GONE_STATUS_LIMIT_MS },
    cause: 'reconnect_window_over',
    async prepare({ stack, ffmpegPath, onClose }) {
      const host = await startMediaHost({ stack, hostId: 'gone', ffmpegPath });
      onClose(() => host.stop());
      ({ kill } = host);
      return host.rtmp;
    },
    inject: () => kill(),
  };
};

const crashLoop: Ending = {
  name: 'encoder-crash-loop',
  title: 'every new encoder dies at once',
  truth: { status: 'ended', withinMs: END_LIMIT_MS },
  cause: 'encoder_failed',
  async inject({ stack, breakEncoders }) {
    await breakEncoders(WORDS);
    for (const pid of processesWith(encoderMark(stack.dataDir))) signal(pid, 'SIGKILL');
  },
  problems(events) {
    const pauses = events.flatMap(({ type, data }) =>
      type === 'stream.health' && data.problem === 'encoder_crashed' ? [Number(data.restartInMs)] : [],
    );
    const failed = events.find(({ type }) => type === 'stream.failed');
    return [
      ...(pauses.length > 2 && pauses.at(-1)! > pauses[1]! ? [] : [`the pauses before new encoders were ${pauses.join(', ')} ms`]),
      ...(String(failed?.data.detail).includes(WORDS)
        ? []
        : [`stream.failed says ${JSON.stringify(failed?.data.detail ?? null)}, not the encoder's last lines`]),
    ];
  },
};

export const ENDINGS: readonly Ending[] = [windowOver, crashLoop, hostGone()];

/** Each with a broadcast of its own. */
export async function runEndings(endings: readonly Ending[], ffmpegPath: string): Promise<FaultResult[]> {
  const results: FaultResult[] = [];
  for (const ending of endings) {
    process.stdout.write(`${ending.title} … `);
    const result = await runEnding(ending, ffmpegPath);
    console.log(result.failures.length === 0 ? 'passed' : `FAILED: ${result.failures.join('; ')}`);
    results.push(result);
  }
  return results;
}

async function runEnding(ending: Ending, ffmpegPath: string): Promise<FaultResult> {
  const undo: (() => Promise<void>)[] = [];
  const onClose = (step: () => Promise<void>): void => void undo.push(step);
  try {
    const fragile = await fragileFfmpeg(ffmpegPath);
    onClose(fragile.remove);
    const stack = await startStack({ HOLDFAST_FFMPEG: fragile.path });
    onClose(() => stack.stop());
    const api = new StackApi(await stack.run());
    const ladder = [{ height: 180, bitrate: 200_000 }];
    const stream = await api.createStream({ name: ending.name, ladder, reconnectWindowSeconds: WINDOW_SECONDS });
    const scene = { stack, ffmpegPath, stream, breakEncoders: fragile.break, onClose };
    const rtmp = (await ending.prepare?.(scene)) ?? stream.ingest.rtmp;
    const publisher = new RetryingPublisher({ ffmpegPath, url: `${rtmp}/${stream.streamKey}`, width: 320, height: 180 });
    publisher.start();
    onClose(() => publisher.stop('SIGKILL'));
    const status = new StatusWatch(api, stream.id);
    onClose(() => status.stop());
    if (!(await waitFor(() => status.last?.status === 'live', LIVE_LIMIT_MS)))
      throw new Error(`The stream did not become live: ${publisher.words}`);

    const from = Date.now();
    await ending.inject({ ...scene, publisher });
    const isOver = await waitFor(() => status.last?.status === 'ended', END_LIMIT_MS);
    const events = await api.events(stream.id);
    const measured = {
      longestStallMs: 0,
      framesLost: 0,
      framesRepeated: 0,
      discontinuities: 0,
      statusTrueMs: timeUntil(status.samples, from, ending.truth.status),
      problems: [
        ...(isOver ? [] : ['the stream did not end']),
        ...timelineProblems(events),
        ...causeProblems(events, ending.cause),
        ...(ending.problems?.(events) ?? []),
        ...(processesWith(encoderMark(stack.dataDir)).length === 0 ? [] : ['an encoder still runs']),
      ],
    };
    const limits = { stallMs: 0, framesLost: 0, discontinuities: 0, statusMs: ending.truth.withinMs };
    return { name: ending.name, title: ending.title, ...measured, failures: failuresOf(measured, limits), withoutViewer: true };
  } finally {
    for (const step of undo.reverse()) await step();
  }
}

function causeProblems(events: readonly StreamEvent[], cause: EndCause): string[] {
  const last = events.at(-1);
  return last?.type === 'stream.ended' && last.cause === cause
    ? []
    : [`the timeline ends with ${last?.type} ${last?.cause ?? ''}, not with stream.ended ${cause}`];
}

/** An ffmpeg like the real one, until it is broken: then it dies at once when it is to encode into the origin's sockets. */
async function fragileFfmpeg(
  ffmpegPath: string,
): Promise<{ path: string; break: (words: string) => Promise<void>; remove: () => Promise<void> }> {
  const EXECUTABLE = 0o755;
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-drill-ffmpeg-'));
  const [path, flag] = [join(dir, 'ffmpeg'), join(dir, 'broken')];
  const lines = [
    '#!/bin/sh',
    `if [ -f '${flag}' ]; then case "$*" in *unix:*) cat '${flag}' >&2; sleep 0.2; exit 1;; esac; fi`,
    `exec '${ffmpegPath}' "$@"`,
  ];
  await writeFile(path, `${lines.join('\n')}\n`);
  await chmod(path, EXECUTABLE);
  return { path, break: (words) => writeFile(flag, `${words}\n`), remove: () => rm(dir, { recursive: true, force: true }) };
}
