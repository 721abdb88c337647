import { randomUUID } from 'node:crypto';
import type { ClaimHolder, ClaimLoss, PublishClaims } from '../../domain/contracts/publish-claims.js';
import { HoldfastError } from '../../domain/errors.js';
import type { Logger } from '../../platform/log/logger.js';
import { compareBelief } from './belief.js';
import { ClaimLease } from './claim-lease.js';
import type { Publisher, StopReason } from './publisher.js';
import { SignalOutbox } from './signal-outbox.js';
import type { StreamSignals } from './stream-signals.js';

export interface PublishSessionOptions {
  hostId: string;
  claims: PublishClaims;
  signals: StreamSignals;
  /** The stream is not this publisher's any more. */
  lost(reason: ClaimLoss): void;
  /** Its workflow takes no publisher. */
  refused(error: HoldfastError): void;
  log: Logger;
}

/** What belongs to one accepted publish beside its media: its claim on the stream, and what its workflow is told. */
export class PublishSession {
  readonly publisher: Publisher;
  readonly #options: PublishSessionOptions;
  readonly #lease: ClaimLease;
  readonly #outbox: SignalOutbox;
  #over = false;

  constructor(publisher: Publisher, options: PublishSessionOptions) {
    const { claims, lost, log } = options;
    const { publishId, streamId } = publisher.identity;
    this.publisher = publisher;
    this.#options = options;
    this.#outbox = new SignalOutbox(log.child({ publishId, streamId }));
    this.#lease = new ClaimLease({
      claims,
      holder: () => this.#holder,
      bytesIn: () => publisher.connection.bytesIn,
      lost,
      log,
    });
  }

  /** What the workflow has not heard yet. */
  get pending(): number {
    return this.#outbox.pending;
  }

  /** Its media is known: the workflow hears of it, and what was revoked meanwhile is noticed now. */
  announce(): void {
    this.#tell();
    void this.#lease.renew();
  }

  /** It is over: the workflow hears of that, too. */
  stopped(reason: StopReason): void {
    this.#over = true;
    if (!this.publisher.described) return;
    const { streamId, publishId, publishSeq } = this.publisher.identity;
    const stopped = { eventId: randomUUID(), publishId, publishSeq, reason };
    this.#outbox.push({ what: 'publishStopped', send: () => this.#options.signals.publishStopped(streamId, stopped) });
  }

  /** Gives the stream free; resolves when the workflow has heard everything as well, or has been given up. */
  async end(): Promise<void> {
    await Promise.all([this.#outbox.settled(), this.#lease.end()]);
  }

  /** What the workflow has not heard by now, it will not: the process ends. */
  abandon(): void {
    this.#outbox.abandon();
  }

  /**
   * Asks the workflow what it believes of this stream, and tells it again what is, where that differs. Rejects when it
   * does not answer.
   */
  async compare(): Promise<void> {
    if (!this.#isSettled) return;
    const { signals, claims, refused, log } = this.#options;
    const { identity } = this.publisher;
    const belief = await signals.belief(identity.streamId);
    if (!this.#isSettled) return;
    const verdict = compareBelief(belief, identity);
    if (verdict === 'agree' || verdict === 'superseded') return;
    log.warn({ ...identity, verdict, belief }, 'the workflow does not know this publisher');
    if (verdict === 'over') {
      refused(new HoldfastError('stream_ended'));
      return;
    }
    if (verdict === 'dismissed') {
      refused(new HoldfastError('stream_ending', 'Holdfast has ended this publish. Publish again.'));
      return;
    }
    if (verdict === 'renumber') {
      const publishSeq = await claims.renumber(this.#holder, belief?.lastPublishSeq ?? 0);
      if (publishSeq === null || !this.#isSettled) return;
      this.publisher.renumber(publishSeq);
    }
    this.#tell();
  }

  /** The workflow has heard all there is, and may be asked. */
  get #isSettled(): boolean {
    return !this.#over && this.publisher.described && this.#outbox.pending === 0;
  }

  get #holder(): ClaimHolder {
    const { identity, connection } = this.publisher;
    return { ...identity, hostId: this.#options.hostId, remoteAddress: connection.remoteAddress };
  }

  #tell(): void {
    const { publisher } = this;
    const source = publisher.layout;
    if (!source) return;
    const started = { ...this.#holder, eventId: randomUUID(), source };
    this.#outbox.push({
      what: 'publishStarted',
      send: () => this.#options.signals.publishStarted(started),
      refused: (error) => this.#options.refused(error),
    });
  }
}
