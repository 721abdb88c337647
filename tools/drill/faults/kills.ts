import { setTimeout as delay } from 'node:timers/promises';
import type { Fault, Injected } from '../fault.js';
import { killAndAwaitNext, pidOf, signal } from '../processes.js';
import type { Scene } from '../scene.js';

/** A viewer does not notice less. */
export const UNNOTICED_MS = 500;
const TIMES = 3;
/** Between two kills of one process: it is back and has taken up its work. */
const PAUSE_MS = 5000;
/** A worker or API that is started again answers within this, on a busy machine too. */
const BACK_LIMIT_MS = 15_000;

/** Everything beside the media: nothing of it is noticed, and the encoder stays the same process. */
function controlProcess(name: string): Fault {
  return {
    name: `kill-${name}`,
    title: `kill -9 of ${name}`,
    repeated: true,
    short: true,
    apiMayBeAway: name === 'api',
    limits: { stallMs: UNNOTICED_MS, framesLost: 0, discontinuities: 0, statusMs: BACK_LIMIT_MS },
    async inject(scene): Promise<Injected> {
      const before = scene.encoder();
      const injected: Injected = { truths: [], problems: [] };
      for (let time = 1; time <= (scene.options.short ? 1 : TIMES); time++) {
        injected.truths.push({ from: Date.now(), status: 'live' });
        await killAndAwaitNext(scene.stack, name);
        await delay(PAUSE_MS);
      }
      if (scene.encoder()?.process.pid !== before?.process.pid) injected.problems.push('the encoder is another process');
      return injected;
    },
  };
}

/** The stream stays live all the time: what was killed is back before anybody could be told. */
const killed = async (scene: Scene, name: string): Promise<Injected> => {
  const from = Date.now();
  await killAndAwaitNext(scene.stack, name);
  return { truths: [{ from, status: 'live' }], problems: [] };
};

const killEncoder: Fault = {
  name: 'kill-encoder',
  title: 'kill -9 of the encoder',
  short: true,
  limits: { stallMs: 3000, framesLost: null, discontinuities: 1, statusMs: BACK_LIMIT_MS },
  async inject(scene) {
    const encoder = scene.encoder();
    if (!encoder) return { truths: [], problems: ['there was no encoder'] };
    signal(encoder.process.pid, 'SIGKILL');
    return { truths: [{ from: Date.now(), status: 'live' }], problems: [] };
  },
};

const killOrigin: Fault = {
  name: 'kill-origin',
  title: 'kill -9 of origin',
  short: true,
  limits: { stallMs: 6000, framesLost: null, discontinuities: 1, statusMs: BACK_LIMIT_MS },
  inject: (scene) => killed(scene, 'origin'),
};

const killIngest: Fault = {
  name: 'kill-ingest',
  title: 'kill -9 of ingest',
  short: true,
  limits: { stallMs: 8000, framesLost: null, discontinuities: 1, statusMs: BACK_LIMIT_MS },
  inject: (scene) => killed(scene, 'ingest'),
};

const killMediaHost: Fault = {
  name: 'kill-media-host',
  title: 'kill -9 of ingest, origin, media-worker and encoder at once',
  short: false,
  limits: { stallMs: 15_000, framesLost: null, discontinuities: 2, statusMs: BACK_LIMIT_MS },
  async inject(scene) {
    const from = Date.now();
    const encoder = scene.encoder();
    const pids = await Promise.all(['ingest', 'origin', 'media-worker'].map((name) => pidOf(scene.stack, name)));
    for (const pid of [...pids, ...(encoder ? [encoder.process.pid] : [])]) signal(pid, 'SIGKILL');
    return { truths: [{ from, status: 'live' }], problems: [] };
  },
};

export const KILLS: readonly Fault[] = [
  ...['stream-worker', 'media-worker', 'api'].map(controlProcess),
  killEncoder,
  killOrigin,
  killIngest,
  killMediaHost,
];
