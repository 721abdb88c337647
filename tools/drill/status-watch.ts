import { setTimeout as delay } from 'node:timers/promises';
import type { StreamStatus } from '../../domain/stream.js';
import type { StackApi, StackStream } from '../launcher/stack/stack-api.js';

const POLL_MS = 200;

/** One answer of the API to "how is the stream?". */
export interface StatusSample {
  /** Wall clock of the answer. */
  at: number;
  /** HTTP status; 0: none. */
  http: number;
  tookMs: number;
  status: StreamStatus | null;
  broadcastId: string | null;
}

/** Asks the API all the time, as a dashboard does. */
export class StatusWatch {
  readonly samples: StatusSample[] = [];
  #stopped = false;
  readonly #loop: Promise<void>;

  constructor(api: StackApi, streamId: string) {
    this.#loop = this.#run(api, streamId);
  }

  get last(): StatusSample | null {
    return this.samples.at(-1) ?? null;
  }

  since(at: number): StatusSample[] {
    return this.samples.filter((sample) => sample.at >= at);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loop;
  }

  async #run(api: StackApi, streamId: string): Promise<void> {
    while (!this.#stopped) {
      const { status: http, body, tookMs } = await api.call<StackStream>('GET', `/streams/${streamId}`);
      const known = http === 200 ? body : null;
      this.samples.push({ at: Date.now(), http, tookMs, status: known?.status ?? null, broadcastId: known?.broadcastId ?? null });
      await delay(POLL_MS);
    }
  }
}

/** Milliseconds from `from` until the API said `status` for the first time; null: never. An API that is away says nothing true. */
export function timeUntil(samples: readonly StatusSample[], from: number, status: StreamStatus): number | null {
  const first = samples.find((sample) => sample.at >= from && sample.status === status);
  return first ? first.at - from : null;
}

/** Milliseconds from `from` after which the API said nothing but `status`; null when it does not say it now. */
export function timeUntilOnly(samples: readonly StatusSample[], from: number, status: StreamStatus): number | null {
  const after = samples.filter((sample) => sample.at >= from);
  if (after.at(-1)?.status !== status) return null;
  const lastOther = after.findLastIndex((sample) => sample.status !== status);
  return lastOther < 0 ? 0 : after[lastOther + 1]!.at - from;
}
