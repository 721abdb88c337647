import type { StreamStatus } from '../../domain/stream.js';
import type { Scene } from './scene.js';

/** What the API has to say from a moment on. */
export interface Truth {
  /** Wall clock, milliseconds. */
  from: number;
  status: StreamStatus;
}

/** The most that is allowed; null: shown, not judged. */
export interface Limits {
  stallMs: number;
  framesLost: number | null;
  discontinuities: number;
  statusMs: number;
}

export interface Injected {
  truths: Truth[];
  /** What was wrong besides the measured; ends of sentences. */
  problems: string[];
}

/** Something that goes wrong, on purpose, in the middle of a broadcast. */
export interface Fault {
  name: string;
  /** For the table. */
  title: string;
  /** Done three times, once in the short set. */
  repeated?: boolean;
  /** Part of the set that CI runs. */
  short: boolean;
  limits: Limits;
  /** Needs a launcher that leaves a process alone that hangs. */
  unattended?: boolean;
  /** The API itself is away meanwhile. */
  apiMayBeAway?: boolean;
  /** Resolves when the fault is over; recovery is waited for by the caller. */
  inject(scene: Scene): Promise<Injected>;
}
