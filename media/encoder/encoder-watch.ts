import { judgePace, newPace, observePace, type TooSlow } from '../../domain/encoder-pace.js';
import type { EncoderReading } from '../../domain/liveness.js';
import type { EncoderRecord } from './encoder-registry.js';
import { cpuTicks } from '../process/process-identity.js';

/** How often the origin and the ingest are asked; each call costs CPU on both sides. */
const READING_INTERVAL_MS = 2000;
/** The same while the process does nothing: it may have been frozen. */
const SUSPECT_INTERVAL_MS = 500;
/** An encoder of moving pictures uses a clock tick (10 ms) of CPU many times in this time. */
const IDLE_MS = 1000;

/** Remembers how one encoder went on, from look to look. */
export class EncoderWatch {
  /** How often the process is looked at: a crashed encoder must be noticed well within its 3 s restart. */
  static readonly INTERVAL_MS = 250;
  mediaSeconds = 0;
  readonly #record: EncoderRecord;
  #grewAt = Date.now();
  #readAt = 0;
  #sendingSince: number | null = null;
  #ticks: number | null = null;
  #busyAt = Date.now();
  #pace = newPace();
  #paceOf: string | null = null;

  constructor(record: EncoderRecord) {
    this.#record = record;
  }

  isReadingDue(): boolean {
    const now = Date.now();
    const ticks = cpuTicks(this.#record.process);
    if (ticks === null || ticks !== this.#ticks) this.#busyAt = now;
    this.#ticks = ticks;
    const intervalMs = now - this.#busyAt > IDLE_MS ? SUSPECT_INTERVAL_MS : READING_INTERVAL_MS;
    return now - this.#readAt >= intervalMs;
  }

  /** @param received seconds of media the origin has of this epoch; null: it does not answer */
  take(running: boolean, received: number | null, publisher: EncoderReading['publisher']): EncoderReading {
    const now = Date.now();
    this.#readAt = now;
    if (received !== null && received > this.mediaSeconds) {
      this.mediaSeconds = received;
      this.#grewAt = now;
    }
    this.#sendingSince = publisher === 'sending' ? (this.#sendingSince ?? now) : null;
    return {
      running,
      mediaSeconds: this.mediaSeconds,
      stalledMs: now - this.#grewAt,
      sendingMs: this.#sendingSince === null ? 0 : now - this.#sendingSince,
      publisher,
      originAnswers: received !== null,
    };
  }

  /**
   * Call after `take`. null: the encoder is not too slow, or nothing is known of it now.
   *
   * @param received seconds of media the origin has of this epoch; null: it does not answer
   * @param publisher whose media it encodes and how far that has come (ms); null: there is none
   */
  judgePace(received: number | null, publisher: { publishId: string; mediaMs: number } | null): TooSlow | null {
    if (received === null || received === 0 || !publisher) return null;
    if (publisher.publishId !== this.#paceOf) {
      this.#paceOf = publisher.publishId;
      this.#pace = newPace();
    }
    const MS_PER_SECOND = 1000;
    const receivedSeconds = publisher.mediaMs / MS_PER_SECOND;
    this.#pace = observePace(this.#pace, { atMs: performance.now(), encodedSeconds: received, receivedSeconds });
    return judgePace(this.#pace);
  }
}
