import type { ErrorCode } from '../../domain/errors.js';
import type { Logger } from '../../platform/log/logger.js';
import type { StreamSignals } from './stream-signals.js';

/** Why a publisher of a known stream was turned away. */
export interface Refusal {
  code: ErrorCode;
  message: string;
  /** host:port */
  remoteAddress: string;
}

/** Encoders try again every few seconds; the timeline needs the reason, not each try. */
const REPEAT_AFTER_MS = 60_000;
const MAX_REMEMBERED = 1000;

/** Refusals that say something about the stream's own encoder or this host; the others the owner caused knowingly. */
const TOLD: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'publish_already',
  'publish_no_media',
  'publish_unsupported_codec',
  'publish_over_limit',
  'host_full',
  'host_draining',
  'disk_full',
]);

/** Puts refused publishers into the timeline of their stream: once, and again a minute later. Nothing waits for it. */
export class RefusalNotices {
  readonly #signals: StreamSignals;
  readonly #log: Logger;
  readonly #toldAt = new Map<string, number>();

  constructor(signals: StreamSignals, log: Logger) {
    this.#signals = signals;
    this.#log = log;
  }

  tell(streamId: string, { code, message, remoteAddress }: Refusal): void {
    const key = `${streamId} ${code}`;
    const now = Date.now();
    if (!TOLD.has(code) || now - (this.#toldAt.get(key) ?? 0) < REPEAT_AFTER_MS) return;
    // Set anew, so that the map's order is that of time.
    this.#toldAt.delete(key);
    this.#toldAt.set(key, now);
    for (const oldest of this.#toldAt.keys()) {
      if (this.#toldAt.size <= MAX_REMEMBERED) break;
      this.#toldAt.delete(oldest);
    }
    this.#signals
      .publishRefused(streamId, { eventId: `${streamId}-${code}-${now}`, code, message, remoteAddress })
      .catch((error: unknown) => {
        this.#log.warn({ streamId, code, reason: error instanceof Error ? error.message : String(error) }, 'refusal not told');
      });
  }
}
