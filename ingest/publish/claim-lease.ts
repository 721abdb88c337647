import { CLAIM_RENEW_SECONDS, type ClaimHolder, type ClaimLoss, type PublishClaims } from '../../domain/contracts/publish-claims.js';
import type { Logger } from '../../platform/log/logger.js';

export interface ClaimLeaseOptions {
  claims: PublishClaims;
  /** Its number may change (PublishClaims.renumber). */
  holder(): ClaimHolder;
  /** Bytes received so far: only a publisher that sends keeps its claim. */
  bytesIn(): number;
  /** The stream is not this publisher's any more. */
  lost(reason: ClaimLoss): void;
  log: Logger;
}

/** Keeps one publisher's claim on its stream while bytes flow, and gives it back at the end. */
export class ClaimLease {
  readonly #options: ClaimLeaseOptions;
  readonly #timer: NodeJS.Timeout;
  #renewedAtBytes = 0;
  #failing = false;
  #renewing: Promise<void> | null = null;
  #ending: Promise<void> | null = null;

  constructor(options: ClaimLeaseOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.renew(), CLAIM_RENEW_SECONDS * 1000);
  }

  /** Renews it now, if bytes have come since the last time; beside that it does so by itself. Never rejects. */
  async renew(): Promise<void> {
    const bytes = this.#options.bytesIn();
    if (this.#renewing || this.#ending || bytes === this.#renewedAtBytes) return;
    this.#renewing = this.#ask(bytes);
    await this.#renewing;
    this.#renewing = null;
  }

  /** Gives the stream free (once). Without Postgres the claim runs out by itself. */
  end(): Promise<void> {
    clearInterval(this.#timer);
    this.#ending ??= this.#release();
    return this.#ending;
  }

  async #release(): Promise<void> {
    // A renewal on its way could put the claim back.
    await this.#renewing;
    const { claims, holder, log } = this.#options;
    const { publishId } = holder();
    try {
      await claims.release(publishId);
    } catch (error) {
      log.warn({ publishId, reason: reasonOf(error) }, 'claim not released; it runs out by itself');
    }
  }

  async #ask(bytes: number): Promise<void> {
    const { claims, holder, lost, log } = this.#options;
    const { publishId } = holder();
    try {
      const renewal = await claims.renew(holder());
      this.#renewedAtBytes = bytes;
      if (this.#failing) log.info({ publishId }, 'claim renewed again');
      this.#failing = false;
      if (!renewal.held && !this.#ending) lost(renewal.reason);
    } catch (error) {
      // Media outlives Postgres: nobody else can take the stream while no one can claim.
      if (!this.#failing) log.warn({ publishId, reason: reasonOf(error) }, 'claim not renewed; the publisher goes on');
      this.#failing = true;
    }
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
