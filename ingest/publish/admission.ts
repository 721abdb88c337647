import {
  CLAIM_LOSSES,
  type HostRoom,
  type PublishClaim,
  type PublishClaims,
  type PublishRefusal,
} from '../../domain/contracts/publish-claims.js';
import { ERROR_KINDS } from '../../domain/errors.js';
import type { Logger } from '../../platform/log/logger.js';
import type { IngestLimits } from '../limits.js';
import type { Publishers } from './publishers.js';

export interface AdmissionRequest {
  streamKey: string;
  publishId: string;
  /** host:port */
  remoteAddress: string;
}

export type Admission =
  | { accepted: true; streamId: string; publishSeq: number }
  | { accepted: false; code: PublishRefusal | 'database_unavailable'; message: string; streamId: string | null };

export interface AdmissionOptions {
  claims: PublishClaims;
  publishers: Publishers;
  hostId: string;
  /** Is there place for one more stream? Asked at each claim. */
  room(): HostRoom;
  limits: IngestLimits;
  log: Logger;
}

/**
 * Decides who may publish. Postgres knows streams, keys and other hosts; which publisher of this host is alive only
 * the ingest knows, so a healthy one is protected here, before anything is claimed. Whatever fails: refused.
 */
export class Admissions {
  readonly #options: AdmissionOptions;
  /** Streams whose claim is being decided: a second encoder in that moment is one too many. */
  readonly #deciding = new Set<string>();

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  async admit(request: AdmissionRequest): Promise<Admission> {
    const { limits, log } = this.#options;
    try {
      return await withinTime(limits.claimMs, (late) => this.#decide(request, late));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const { publishId, remoteAddress } = request;
      log.error(
        { publishId, remoteAddress, reason: reason.replaceAll(request.streamKey || '\0', '[hidden]') },
        'publisher refused: its key could not be checked',
      );
      const message = 'Holdfast cannot check the stream key now. Try again.';
      return { accepted: false, code: 'database_unavailable', message, streamId: null };
    }
  }

  async #decide(request: AdmissionRequest, late: () => boolean): Promise<Admission> {
    const { claims, hostId, room } = this.#options;
    const streamId = request.streamKey === '' ? null : await claims.find(request.streamKey);
    if (streamId === null) return refusal('publish_unknown_key', null);
    if (late() || this.#deciding.has(streamId) || this.#isHeld(streamId)) return refusal('publish_already', streamId);
    this.#deciding.add(streamId);
    try {
      const claim = await claims.claim({ ...request, hostId, room: room() });
      if (!claim.accepted) return refusal(claim.code, streamId);
      const { publishId, remoteAddress } = request;
      // What was revoked since then must not even begin.
      const renewal = await claims.renew({ streamId: claim.streamId, publishId, publishSeq: claim.publishSeq, hostId, remoteAddress });
      if (late() || !renewal.held) await claims.release(publishId);
      return renewal.held ? claim : refusal(CLAIM_LOSSES[renewal.reason].code, streamId);
    } finally {
      this.#deciding.delete(streamId);
    }
  }

  #isHeld(streamId: string): boolean {
    const holder = this.#options.publishers.ofStream(streamId);
    return holder !== null && holder.idleMs() <= this.#options.limits.takeoverMs;
  }
}

const refusal = (code: Extract<PublishClaim, { accepted: false }>['code'], streamId: string | null): Admission => ({
  accepted: false,
  code,
  message: ERROR_KINDS[code].message,
  streamId,
});

/** Runs `work` for at most `limitMs`; afterwards `late()` is true for it, and its result goes nowhere. */
async function withinTime<T>(limitMs: number, work: (late: () => boolean) => Promise<T>): Promise<T> {
  let late = false;
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      late = true;
      reject(new Error(`no answer within ${limitMs} ms`));
    }, limitMs);
  });
  const result = work(() => late);
  // After the time-out nobody waits for it any more; the time-out has been reported.
  result.catch(() => undefined);
  try {
    return await Promise.race([result, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
