import type { EncoderEnd } from '../../../domain/lifecycle/encoder-order.js';
import type { Fact } from '../../../domain/lifecycle/facts.js';

export const HOSTS = ['one', 'two'] as const;
export type Host = (typeof HOSTS)[number];
/** What can happen, whenever it happens. Numbers choose among what there is. */
export type Happening =
  | { do: 'publish'; host: Host; source: 0 | 1; isTold: boolean }
  | { do: 'leave'; isTold: boolean }
  | { do: 'repeat'; which: number; /** Told again by whoever did not know that it was heard. */ isAnew: boolean }
  | { do: 'freeze' | 'thaw'; host: Host }
  | {
      do:
        | 'end'
        | 'operator'
        | 'disable'
        | 'enable'
        | 'delete'
        | 'rotate'
        | 'databaseAway'
        | 'databaseBack'
        | 'continueAsNew'
        | 'playable'
        | 'dry';
    }
  | { do: 'encoder'; reason: EncoderEnd['reason'] }
  | { do: 'fulfil'; which: number }
  | { do: 'wait'; ms: number };

export interface WorldSettings {
  reusable: boolean;
  record: boolean;
  reconnectWindowSeconds: number;
  maxDurationSeconds: number;
}

/** The same message, with an id of its own. */
export const anew = (fact: Fact, now: number): Fact =>
  fact.kind === 'publishStarted' ? { ...fact, started: { ...fact.started, eventId: `anew-${now}-${fact.started.publishId}` } } : fact;
