import { setTimeout as delay } from 'node:timers/promises';
import { startStack } from '../launcher/stack/stack.js';
import { StackApi } from '../launcher/stack/stack-api.js';
import { type AttackResult, attackUntil } from './attack.js';
import { apiAttacks, playbackAttacks } from './http-attacks.js';
import { type FrameCount, LiveStream } from './live-stream.js';
import { judgeProcesses, type ProcessVerdict, readProcesses } from './process-watch.js';
import { targetOf } from './raw-socket.js';
import { rtmpAttacks } from './rtmp-attacks.js';
import { recordSession } from './rtmp-session.js';

export interface FuzzOptions {
  ffmpegPath: string;
  seconds: number;
  seed: number;
  /** HOLDFAST_VIEWER_PROCESSES */
  viewerProcesses?: number;
}

export interface FuzzReport {
  seed: number;
  attacks: AttackResult[];
  processes: ProcessVerdict[];
  frames: FrameCount;
  /** Empty = everything held. */
  problems: string[];
}

/** Settings under which the attacks get past the first refusal. */
const SETTINGS = { HOLDFAST_RATE_LIMIT_PER_MINUTE: '100000000', HOLDFAST_VIDEO_PRESET: 'ultrafast', HOLDFAST_LOG_LEVEL: 'warn' };
/** Until connections that were cut are gone, and the limits of the ingest have done their work. */
const SETTLE_MS = 3000;
const PATHS_EVERY_MS = 2000;

/**
 * Attacks a Holdfast of its own in every way at once, beside a live stream, and tells whether that stream and every
 * process came through. The attacks depend on the seed alone; their interleaving does not.
 */
export async function runFuzz({ ffmpegPath, seconds, seed, viewerProcesses = 0 }: FuzzOptions): Promise<FuzzReport> {
  const stack = await startStack({ ...SETTINGS, HOLDFAST_VIEWER_PROCESSES: String(viewerProcesses) });
  let live: LiveStream | null = null;
  try {
    const run = await stack.run();
    const api = new StackApi(run);
    const victim = await api.createStream({ name: 'attacked', reusable: true, reconnectWindowSeconds: 5 });
    const rtmp = targetOf(victim.ingest.rtmp);
    const session = await recordSession(ffmpegPath, rtmp, victim.streamKey);
    live = await LiveStream.start(api, ffmpegPath);
    let paths = await live.paths();
    const attacks = [
      ...rtmpAttacks({ rtmp, session, streamKey: victim.streamKey }),
      ...playbackAttacks(targetOf(run.playback), () => paths),
      ...apiAttacks(targetOf(run.api), victim.id, api.authorization),
    ];
    const before = readProcesses(run);
    const deadline = Date.now() + seconds * 1000;
    const running = Promise.all(attacks.map((attack, index) => attackUntil(attack, seed + index, deadline)));
    const watched = live;
    const refresh = setInterval(() => {
      // Between two answers of an origin under attack the last list is good enough.
      watched.paths().then(
        (found) => (paths = found),
        () => undefined,
      );
    }, PATHS_EVERY_MS);
    const results = await running.finally(() => clearInterval(refresh));
    await delay(SETTLE_MS);
    const processes = judgeProcesses(before, readProcesses(await stack.run()));
    const cutOff = live.encoderRuns ? [] : ['the live encoder was cut off'];
    const frames = await live.finish();
    const problems = [
      ...cutOff,
      ...results.flatMap(({ name, findings }) => findings.map((finding) => `${name}, ${finding}`)),
      ...processes.flatMap(({ name, problems: found }) => found.map((problem) => `${name}: ${problem}`)),
      ...judgeFrames(frames),
    ];
    return { seed, attacks: results, processes, frames, problems };
  } finally {
    await live?.stop();
    await stack.stop();
  }
}

/** The last frame of all may wait in the encoder when it is stopped. */
const FRAMES_IN_FLIGHT = 1;

export function judgeFrames({ sent, shown, discontinuities, gaps }: FrameCount): string[] {
  return [
    ...(sent === 0 || Math.abs(sent - shown) > FRAMES_IN_FLIGHT ? [`live stream: ${sent} frames sent, ${shown} shown`] : []),
    ...(discontinuities > 0 ? [`live stream: ${discontinuities} discontinuities`] : []),
    ...(gaps > 0 ? [`live stream: ${gaps} gaps`] : []),
  ];
}
