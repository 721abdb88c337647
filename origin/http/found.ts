import type { Hold } from './blocking.js';
import type { Soon } from '../soon.js';
import type { Refusals } from './address-limits.js';
import type { WholeAnswer } from './wire.js';

/** What an address leads to. Who sends it need not know what it is: see viewer-connection.ts and http-sender.ts. */
export type Found = Whole | OnDisk | Held | Pending;

/** An answer in memory, the same for everyone who gets it. */
export interface Whole {
  type: 'whole';
  /** What is sent: as long as it lives, what was rendered of it can be sent again. */
  source: object;
  /** What makes one answer with it differ from another. */
  variant: string;
  render: () => WholeAnswer;
}

/** A file that is not in memory, and may not be there at all. */
export interface OnDisk {
  type: 'file';
  path: string;
  headers: Record<string, string | number>;
}

/** Will be there, or not, when what is waited for is. */
export interface Held {
  type: 'hold';
  hold: Hold;
  next: () => Found;
}

/** Wants a look at disk, database, or another process first. Rejects with HoldfastError. */
export interface Pending {
  type: 'pending';
  ready: Promise<Found>;
}

/** Who asks, as far as it makes a difference. */
export interface Asker {
  gzip: boolean;
  refusals: Refusals;
}

/** Knows what is at an address. */
export interface Finder {
  /** @param target path and query. Throws HoldfastError. @returns what it is, and its kind for the metrics */
  find(target: string, asker: Asker): { kind: string; found: Found };
}

/** Goes on with a value: at once where it is there. */
export function after<T>(value: Soon<T>, next: (value: T) => Found): Found {
  return value instanceof Promise ? { type: 'pending', ready: value.then(next) } : next(value);
}
