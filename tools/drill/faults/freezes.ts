import type { Fault } from '../fault.js';
import { freeze, pidOf } from '../processes.js';
import type { Scene } from '../scene.js';
import { UNNOTICED_MS } from './kills.js';

const FROZEN_MS = 30_000;
/** Temporal gives a worker up that says nothing for 10 s, the launcher one that says nothing for 15 s: between them two work at once. */
const DOZE_MS = 13_000;
/** What is true is told within this, of the fault and of its end. */
const STATUS_LIMIT_MS = 15_000;
/** Whatever happens, the status is true within this (docs/architecture.md). */
const PROMISED_STATUS_MS = 60_000;
/** The viewer waits while it is frozen, and until it plays again. */
const STALL_LIMIT_MS = FROZEN_MS + STATUS_LIMIT_MS;

const MS_PER_SECOND = 1000;

interface Frozen {
  name: string;
  title: string;
  pid: (scene: Scene) => Promise<number> | number;
  /** What the stream is while it is frozen. */
  during: 'live' | 'reconnecting';
  stallMs: number;
  discontinuities: number;
  ms?: number;
  unattended?: boolean;
  /** How long the status may be wrong; what is frozen may be the one who would tell. */
  statusMs?: number;
}

function frozen(fault: Frozen): Fault {
  const { name, title, pid, during, stallMs, discontinuities, unattended = false, ms = FROZEN_MS, statusMs = STATUS_LIMIT_MS } = fault;
  return {
    name: `freeze-${name}`,
    title: `SIGSTOP of ${title} for ${ms / MS_PER_SECOND} s${unattended ? ', nobody replaces it' : ''}`,
    unattended,
    short: false,
    limits: { stallMs, framesLost: during === 'live' && discontinuities === 0 ? 0 : null, discontinuities, statusMs },
    async inject(scene) {
      const from = Date.now();
      await freeze(await pid(scene), ms);
      return {
        truths: [
          { from, status: during },
          { from: Date.now(), status: 'live' },
        ],
        problems: [],
      };
    },
  };
}

export const FREEZES: readonly Fault[] = [
  frozen({
    name: 'publisher',
    title: 'the publisher',
    pid: (scene) => scene.publisher.pid,
    during: 'reconnecting',
    stallMs: STALL_LIMIT_MS,
    discontinuities: 1,
  }),
  // The next encoder takes its place while it is frozen; awake again it finds its place taken.
  frozen({
    name: 'encoder',
    title: 'the encoder',
    pid: (scene) => scene.encoder()!.process.pid,
    during: 'live',
    stallMs: STATUS_LIMIT_MS,
    discontinuities: 1,
  }),
  frozen({
    name: 'media-worker',
    title: 'media-worker',
    pid: (scene) => pidOf(scene.stack, 'media-worker'),
    during: 'live',
    stallMs: UNNOTICED_MS,
    discontinuities: 0,
  }),
  frozen({
    name: 'media-worker-briefly',
    title: 'media-worker',
    pid: (scene) => pidOf(scene.stack, 'media-worker'),
    during: 'live',
    stallMs: UNNOTICED_MS,
    discontinuities: 0,
    ms: DOZE_MS,
  }),
  frozen({
    name: 'origin',
    title: 'origin',
    pid: (scene) => pidOf(scene.stack, 'origin'),
    during: 'reconnecting',
    stallMs: STALL_LIMIT_MS,
    discontinuities: 2,
  }),
  // The same process wakes, with all it had in hand: what others did meanwhile must stand.
  frozen({
    name: 'media-worker-awakened',
    title: 'media-worker',
    pid: (scene) => pidOf(scene.stack, 'media-worker'),
    during: 'live',
    stallMs: UNNOTICED_MS,
    discontinuities: 0,
    unattended: true,
  }),
  frozen({
    name: 'origin-awakened',
    title: 'origin',
    pid: (scene) => pidOf(scene.stack, 'origin'),
    during: 'reconnecting',
    stallMs: STALL_LIMIT_MS,
    discontinuities: 2,
    unattended: true,
  }),
  // Its publisher sends all the time, into a process that takes nothing: another ingest takes its connection over …
  frozen({
    name: 'ingest',
    title: 'ingest',
    pid: (scene) => pidOf(scene.stack, 'ingest'),
    during: 'reconnecting',
    stallMs: FROZEN_MS + PROMISED_STATUS_MS,
    discontinuities: 3,
    statusMs: PROMISED_STATUS_MS,
  }),
  // … or the same one wakes, with the connection still there: nobody announces that publisher a second time but itself.
  frozen({
    name: 'ingest-awakened',
    title: 'ingest',
    pid: (scene) => pidOf(scene.stack, 'ingest'),
    during: 'reconnecting',
    stallMs: FROZEN_MS + PROMISED_STATUS_MS,
    discontinuities: 3,
    statusMs: PROMISED_STATUS_MS,
    unattended: true,
  }),
];
