import type { Fault } from '../fault.js';
import { freeze, pidOf } from '../processes.js';
import type { Scene } from '../scene.js';
import { UNNOTICED_MS } from './kills.js';

const FROZEN_MS = 30_000;
/** What is true is told within this, of the fault and of its end. */
const STATUS_LIMIT_MS = 15_000;
/** The viewer waits while it is frozen, and until it plays again. */
const STALL_LIMIT_MS = FROZEN_MS + STATUS_LIMIT_MS;

interface Frozen {
  name: string;
  title: string;
  pid: (scene: Scene) => Promise<number> | number;
  /** What the stream is while it is frozen. */
  during: 'live' | 'reconnecting';
  stallMs: number;
  discontinuities: number;
}

function frozen({ name, title, pid, during, stallMs, discontinuities }: Frozen): Fault {
  return {
    name: `freeze-${name}`,
    title: `SIGSTOP of ${title} for 30 s`,
    short: false,
    limits: { stallMs, framesLost: during === 'live' && discontinuities === 0 ? 0 : null, discontinuities, statusMs: STATUS_LIMIT_MS },
    async inject(scene) {
      const from = Date.now();
      await freeze(await pid(scene), FROZEN_MS);
      return { truths: [{ from, status: during }, { from: Date.now(), status: 'live' }], problems: [] };
    },
  };
}

export const FREEZES: readonly Fault[] = [
  frozen({
    name: 'publisher', title: 'the publisher', pid: (scene) => scene.publisher.pid,
    during: 'reconnecting', stallMs: STALL_LIMIT_MS, discontinuities: 1,
  }),
  // The next encoder takes its place while it is frozen; awake again it finds its place taken.
  frozen({
    name: 'encoder', title: 'the encoder', pid: (scene) => scene.encoder()!.process.pid,
    during: 'live', stallMs: STATUS_LIMIT_MS, discontinuities: 1,
  }),
  frozen({
    name: 'media-worker', title: 'media-worker', pid: (scene) => pidOf(scene.stack, 'media-worker'),
    during: 'live', stallMs: UNNOTICED_MS, discontinuities: 0,
  }),
  frozen({
    name: 'origin', title: 'origin', pid: (scene) => pidOf(scene.stack, 'origin'),
    during: 'reconnecting', stallMs: STALL_LIMIT_MS, discontinuities: 2,
  }),
];
