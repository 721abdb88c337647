import { allHandlersFinished, CancellationScope, condition, isCancellation, log, uuid4, workflowInfo } from '@temporalio/workflow';
import type { RestreamState } from '../domain/destination.js';
import type { Fact } from '../domain/lifecycle/facts.js';
import { newLife, statusOf, type StreamLife } from '../domain/lifecycle/life.js';
import { next } from '../domain/lifecycle/next.js';
import { isAllDone, obligationsOf, type Obligation } from '../domain/lifecycle/obligations.js';
import { fulfil } from './fulfil.js';
import { lifeOfOldRun } from './legacy/life-of-old-run.js';
import type { StreamSnapshot, StreamState, StreamWorkflowInput } from './messages.js';
import { OperatorView } from './operator-view.js';
import { Restreams } from './restreams.js';

/** A new run begins when its history is this long and nothing is in the middle of something; Temporal ends it at 51,200 events. */
const LONG_HISTORY_EVENTS = 4000;
/** The same, whatever is under way: everything is begun again by the next run. */
const TOO_LONG_HISTORY_EVENTS = 8000;
/** An update answers when Postgres shows its effect, but not later than this: a database that is away must not hold it. */
const PROJECTION_WAIT = '2 seconds';

/** One run of a stream's workflow: what the stream is, and what is being done about it. */
export class StreamRun {
  life: StreamLife;
  restreams: Restreams | null = null;
  /** Asked for by an operator. */
  continueRequested = false;
  readonly #isNew: boolean;
  readonly #view = new OperatorView();
  /** What is under way, by key. */
  readonly #underWay = new Map<string, CancellationScope>();
  #fulfilled: StreamLife | null = null;

  constructor({ streamId, purge, life, carried, restreams }: StreamWorkflowInput) {
    this.life = life ?? (carried ? lifeOfOldRun(streamId, carried) : newLife(streamId));
    this.#isNew = !life && !carried && !purge;
    this.life.runIsDue = false;
    if (purge) this.life.deleteRequested = true;
    const inherited = restreams ?? carried?.broadcast?.restreams;
    const broadcast = this.life.broadcast;
    if (inherited && broadcast) this.restreams = this.#restreamsOf(broadcast).inherit(inherited);
  }

  begin(): void {
    this.take(this.#isNew ? { kind: 'created' } : { kind: 'woken' });
  }

  /** The rules decide at once; what follows is begun by the main loop. */
  take(fact: Fact): void {
    this.life = next(this.life, fact, { now: Date.now(), newId: () => uuid4().replaceAll('-', '') });
    this.#view.show(this.life);
  }

  get hasNews(): boolean {
    return this.life !== this.#fulfilled;
  }

  /** Begins what is to be done and is not under way, and gives up what no longer is. */
  fulfilObligations(): void {
    this.#fulfilled = this.life;
    const wanted = obligationsOf(this.life);
    const keys = new Set(wanted.map(({ key }) => key));
    for (const [key, scope] of this.#underWay) {
      if (keys.has(key)) continue;
      this.#underWay.delete(key);
      scope.cancel();
    }
    for (const obligation of wanted) {
      if (obligation.kind === 'restream') this.#keepRestreaming(obligation);
      else if (!this.#underWay.has(obligation.key)) this.#begin(obligation);
    }
    if (!this.life.broadcast) this.restreams = null;
  }

  #begin(obligation: Exclude<Obligation, { kind: 'restream' }>): void {
    const { key } = obligation;
    const scope = new CancellationScope();
    this.#underWay.set(key, scope);
    const isWanted = () => this.#underWay.get(key) === scope;
    scope
      .run(() => fulfil(obligation, this))
      .then(
        (fact) => {
          if (!isWanted()) return;
          this.#underWay.delete(key);
          this.take(fact);
        },
        (error: unknown) => {
          // Nobody wants it any more; everything else is answered by a fact.
          if (!isCancellation(error)) log.error('an obligation failed without an answer', { key, error: String(error) });
        },
      );
  }

  #keepRestreaming({ hostId, source }: Extract<Obligation, { kind: 'restream' }>): void {
    if (!this.restreams) {
      this.restreams = this.#restreamsOf(this.life.broadcast!);
      this.restreams.startEnabled();
    }
    this.restreams.follow(hostId, source);
  }

  #restreamsOf({ broadcastId, hostId, source }: NonNullable<StreamLife['broadcast']>): Restreams {
    const changed = (state: RestreamState, name: string): void => this.take({ kind: 'restreamChanged', state, name });
    return new Restreams({ streamId: this.life.streamId, broadcastId, hostId, source, changed });
  }

  /** The stream takes no broadcasts any more, and everybody knows. */
  get isOver(): boolean {
    const { phase } = this.life;
    return (phase === 'ended' || phase === 'purged') && isAllDone(this.life) && allHandlersFinished();
  }

  get mayContinueAsNew(): boolean {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    if (!allHandlersFinished() || (this.restreams && !this.restreams.isSettled)) return false;
    if (historyLength > TOO_LONG_HISTORY_EVENTS) return true;
    const isDue = this.life.runIsDue || this.continueRequested || continueAsNewSuggested || historyLength > LONG_HISTORY_EVENTS;
    return isDue && this.#isCalm;
  }

  /** Nothing is in the middle of something. */
  get #isCalm(): boolean {
    const { phase, broadcast, publisher, outbox } = this.life;
    if (phase === 'idle') return !this.life.endCause;
    if (broadcast?.status !== 'live' || outbox.length > 0) return false;
    const { encoder } = broadcast;
    return encoder?.playable === true && !encoder.stopping && encoder.publishId === publisher?.publishId;
  }

  /** What the next run begins with. */
  carry(): StreamWorkflowInput {
    const { streamId } = this.life;
    return { streamId, life: this.life, ...(this.restreams ? { restreams: this.restreams.carry() } : {}) };
  }

  /** Resolves when Postgres has all of it, or will not have it soon. */
  async shown(): Promise<void> {
    await condition(() => this.life.outbox.length === 0, PROJECTION_WAIT);
  }

  state(): StreamState {
    const { streamId, disabled, broadcast, lastBroadcastId, sequence, outbox, publisher, lastPublishSeq, stoppedSeq } = this.life;
    const encoder = broadcast?.encoder;
    return {
      streamId,
      status: statusOf(this.life),
      disabled,
      broadcastId: broadcast?.broadcastId ?? null,
      lastBroadcastId,
      hostId: broadcast?.hostId ?? null,
      publisher: publisher && { publishId: publisher.publishId, publishSeq: publisher.publishSeq, hostId: publisher.hostId },
      lastPublishSeq,
      stoppedSeq,
      encoder:
        encoder && !encoder.stopping
          ? { broadcastId: encoder.order.broadcastId, hostId: encoder.order.hostId, epoch: encoder.order.epoch }
          : null,
      sequence,
      written: outbox.length === 0,
    };
  }

  snapshot(): StreamSnapshot {
    const { streamId, version, disabled, broadcast, told, recent } = this.life;
    return {
      streamId,
      version,
      status: statusOf(this.life),
      disabled,
      broadcastId: broadcast?.broadcastId ?? null,
      ...(told.broadcast ? { broadcast: told.broadcast } : {}),
      ...(told.recording ? { recording: told.recording } : {}),
      ...(told.restreams.length > 0 ? { restreams: told.restreams } : {}),
      events: recent,
      ...(told.opened ? { opened: told.opened } : {}),
    };
  }
}
