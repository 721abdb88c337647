import { CLAIM_RENEW_SECONDS, type PublishClaims } from '../../domain/contracts/publish-claims.js';
import type { Logger } from '../../platform/log/logger.js';

export interface ClaimLeaseOptions {
  claims: PublishClaims;
  publishId: string;
  /** Bytes received so far: only a publisher that sends keeps its claim. */
  bytesIn(): number;
  /** Another publisher has the stream now. */
  lost(): void;
  log: Logger;
}

/** Keeps one publisher's claim on its stream while bytes flow, and gives it back at the end. */
export class ClaimLease {
  readonly #options: ClaimLeaseOptions;
  readonly #timer: NodeJS.Timeout;
  #renewedAtBytes = 0;
  #failing = false;
  #renewing = false;
  #ended = false;

  constructor(options: ClaimLeaseOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#renew(), CLAIM_RENEW_SECONDS * 1000);
  }

  /** Gives the stream free. Without Postgres the claim runs out by itself. */
  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#timer);
    const { claims, publishId, log } = this.#options;
    try {
      await claims.release(publishId);
    } catch (error) {
      log.warn({ publishId, reason: reasonOf(error) }, 'claim not released; it runs out by itself');
    }
  }

  async #renew(): Promise<void> {
    const { claims, publishId, bytesIn, lost, log } = this.#options;
    const bytes = bytesIn();
    if (this.#renewing || bytes === this.#renewedAtBytes) return;
    this.#renewing = true;
    try {
      const held = await claims.renew(publishId);
      this.#renewedAtBytes = bytes;
      if (this.#failing) log.info({ publishId }, 'claim renewed again');
      this.#failing = false;
      if (!held && !this.#ended) lost();
    } catch (error) {
      // Media outlives Postgres: nobody else can take the stream while no one can claim.
      if (!this.#failing) log.warn({ publishId, reason: reasonOf(error) }, 'claim not renewed; the publisher goes on');
      this.#failing = true;
    } finally {
      this.#renewing = false;
    }
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
