import {
  CancellationScope,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  patched,
  setCurrentDetails,
  setHandler,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import type { DestinationError, RestreamEnd, RestreamState } from '../domain/destination.js';
import { decideRestreamRetry, type RestreamEnding } from '../domain/restream-retry.js';
import { sameSource, type SourceLayout } from '../domain/source.js';
import { streamWorkflowId } from '../domain/task-queues.js';
import {
  endRestreamSignal,
  hostChangedSignal,
  restreamChangedSignal,
  restreamEndedSignal,
  restreamLiveSignal,
  retryRestreamSignal,
  sourceChangedSignal,
} from './messages.js';
import { farewell, mediaCommands, restreamActivity } from './proxies.js';
import { detailsOf, HOST_CHANGED, lostHost, SOURCE_CHANGED } from './restream-words.js';

export interface RestreamInput {
  streamId: string;
  broadcastId: string;
  destinationId: string;
  /** The owner's name for it or the platform's; never a URL. */
  label: string;
  hostId: string;
  source: SourceLayout;
  /** Connections tried by earlier runs in this broadcast; numbers go on from there. */
  attempts: number;
  /** What the run before this one knew (continue-as-new). */
  carried?: CarriedRestreamRun;
}

/** A restream in the middle, for the run that goes on with it. JSON only. */
export interface CarriedRestreamRun {
  state: RestreamState;
  ends: RestreamEnding[];
  source: SourceLayout;
  /** The connection that is open: the next run's activity adopts it. */
  connection: { isLive: boolean; source: SourceLayout } | null;
}

export interface RestreamResult {
  state: RestreamState;
  /** The connection did not close politely in time and was cut. */
  forced: boolean;
}

/**
 * One destination during one broadcast: connects, notices, tries again by its own policy, until its stream says end. A
 * failed one stays, so that it can be retried by hand.
 */
export async function restreamWorkflow(input: RestreamInput): Promise<RestreamResult> {
  const restream = new Restream(input);
  setHandler(endRestreamSignal, () => restream.requestEnd());
  setHandler(retryRestreamSignal, () => restream.requestRetry());
  setHandler(sourceChangedSignal, (source) => restream.changeSource(source));
  setHandler(hostChangedSignal, (hostId) => restream.moveTo(hostId));
  setHandler(restreamLiveSignal, ({ attempt }) => restream.hasGoneLive(attempt));
  CancellationScope.current().cancelRequested.catch(() => restream.requestEnd());
  return CancellationScope.nonCancellable(() => restream.run());
}

/** A new run begins when its history is this long: a platform that flaps for days must not bring Temporal to end it. */
const LONG_HISTORY_EVENTS = 4000;
/** Histories from before never did. */
const LONG_RUNS_CONTINUE = 'long-runs-continue';
/** Before that one activity polled for it; histories of then say so. */
const LIVE_IS_TOLD = 'restream-live-is-told';
/** Ends that are remembered: more than the retry policy looks at. */
const REMEMBERED_ENDS = 200;

/** One connection, as it goes. */
interface Connection {
  end: RestreamEnd | null;
  live: boolean;
  /** What the source is now cannot go over it. */
  misfit: boolean;
}

class Restream {
  readonly #input: RestreamInput;
  #state: RestreamState;
  #ends: RestreamEnding[] = [];
  #ending = false;
  #retryNow = false;
  #source: SourceLayout;
  /** Not yet looked at. */
  #sourceChanged = false;
  #hostId: string;
  /** It has to begin again at another host. */
  #moved = false;
  #scope = new CancellationScope();
  #connection: Connection | null = null;
  /** Open since the run before this one. */
  #inherited: CarriedRestreamRun['connection'];

  constructor(input: RestreamInput) {
    this.#input = input;
    const { destinationId, attempts, hostId, carried } = input;
    this.#source = carried?.source ?? input.source;
    this.#hostId = hostId;
    this.#ends = carried?.ends ?? [];
    this.#inherited = carried?.connection ?? null;
    this.#state = carried?.state ?? { destinationId, status: 'starting', attempts, lastError: null, nextAttemptAt: null, startedAt: null };
  }

  /** Media really leaves; a word about an older connection is too late. */
  hasGoneLive(attempt: number): void {
    if (this.#connection && attempt === this.#state.attempts) this.#connection.live = true;
  }

  get #isLong(): boolean {
    const { continueAsNewSuggested, historyLength } = workflowInfo();
    return (continueAsNewSuggested || historyLength > LONG_HISTORY_EVENTS) && patched(LONG_RUNS_CONTINUE);
  }

  /** Everything goes on, with a short history. */
  async #continue(connection: CarriedRestreamRun['connection']): Promise<never> {
    const { attempts } = this.#state;
    const carried = { state: this.#state, ends: this.#ends.slice(-REMEMBERED_ENDS), source: this.#source, connection };
    return continueAsNew<typeof restreamWorkflow>({ ...this.#input, hostId: this.#hostId, attempts, carried });
  }

  requestEnd(): void {
    this.#ending = true;
  }

  requestRetry(): void {
    if (this.#state.status === 'retrying' || this.#state.status === 'failed') this.#retryNow = true;
  }

  changeSource(source: SourceLayout): void {
    this.#source = source;
    this.#sourceChanged = true;
  }

  moveTo(hostId: string): void {
    this.#moved = hostId !== this.#hostId;
    this.#hostId = hostId;
  }

  async run(): Promise<RestreamResult> {
    if (this.#state.status === 'failed') await this.#awaitRetry();
    while (!this.#ending) {
      if (this.#isLong && !this.#inherited && this.#state.status !== 'failed') await this.#continue(null);
      const end = await this.#connect();
      if (end === 'misfit') {
        await this.#stop();
        await this.#tell({ status: 'retrying', lastError: SOURCE_CHANGED, nextAttemptAt: new Date().toISOString() });
        continue;
      }
      if (end === 'moved') {
        // The old host may be gone; whatever still runs there is ended by the stream.
        this.#scope.cancel();
        await this.#tell({ status: 'retrying', lastError: HOST_CHANGED, nextAttemptAt: new Date().toISOString() });
        continue;
      }
      if (!end || end.code === 'stopped') break;
      await this.#afterEnd(end);
    }
    const { forced } = await this.#stop();
    const status = this.#state.status === 'failed' ? 'failed' : 'ended';
    const result = { state: { ...this.#state, status, nextAttemptAt: null }, forced } as const;
    await this.#tellEnd(result);
    return result;
  }

  /** The run of the stream that started this one may have been continued by another, which has no result to wait for. */
  async #tellEnd(result: RestreamResult): Promise<void> {
    try {
      await getExternalWorkflowHandle(streamWorkflowId(this.#input.streamId)).signal(restreamEndedSignal, { eventId: uuid4(), ...result });
    } catch {
      // The stream's workflow is gone, and nobody is left to be told.
    }
  }

  /** One connection, from its start to its end; null when the stream said end, `misfit` and `moved` when it has to be another one. */
  async #connect(): Promise<RestreamEnd | 'misfit' | 'moved' | null> {
    const { streamId, broadcastId, destinationId, label } = this.#input;
    const inherited = this.#inherited;
    this.#inherited = null;
    const attempt = this.#state.attempts + (inherited ? 0 : 1);
    this.#retryNow = false;
    this.#sourceChanged = inherited !== null && !sameSource(inherited.source, this.#source);
    if (!inherited) this.#moved = false;
    const source = inherited?.source ?? this.#source;
    if (!inherited) await this.#tell({ status: 'starting', attempts: attempt, nextAttemptAt: null });
    const media = restreamActivity(this.#hostId);
    const current: Connection = { end: null, live: inherited?.isLive ?? false, misfit: false };
    this.#connection = current;
    this.#scope = new CancellationScope();
    void this.#scope.run(async () => {
      const input = { streamId, broadcastId, destinationId, attempt, source };
      const sending = media.restream.executeWithOptions({ summary: `to ${label}, connection ${attempt}` }, [input]);
      if (!patched(LIVE_IS_TOLD)) {
        void media.awaitRestreamLive
          .executeWithOptions({ summary: `media left for ${label}` }, [{ broadcastId, destinationId, attempt }])
          .then(
            () => (current.live = true),
            () => undefined /* the connection ended first; its own end says why */,
          );
      }
      current.end = await sending.catch((error: unknown) => (isCancellation(error) ? null : lostHost(error)));
    });
    const isOver = () => this.#ending || this.#moved || current.end !== null || current.misfit;
    const isNewlyLive = () => current.live && this.#state.status !== 'live';
    await condition(() => isOver() || current.live || this.#sourceChanged || this.#isLong);
    while (!isOver()) {
      if (this.#isLong) await this.#continue({ isLive: current.live, source });
      if (this.#sourceChanged) this.#compareFormat(current);
      else if (isNewlyLive()) await this.#tell({ status: 'live', lastError: null, startedAt: new Date().toISOString() });
      await condition(() => isOver() || this.#sourceChanged || isNewlyLive() || this.#isLong);
    }
    if (current.end) this.#scope.cancel();
    if (this.#ending) return null;
    if (this.#moved) return 'moved';
    // The ingest ends a programme whose codecs change; that may be heard of before anything else.
    const outdated = current.end?.code === 'restream_source_lost' && source !== this.#source;
    return current.end && !outdated ? current.end : 'misfit';
  }

  /** Beside the connection: the media host may be long in answering. */
  #compareFormat(current: Connection): void {
    this.#sourceChanged = false;
    const { broadcastId, destinationId } = this.#input;
    const hostId = this.#hostId;
    const input = { broadcastId, destinationId, source: this.#source };
    void this.#scope
      .run(() => mediaCommands(hostId).checkRestreamFormat.executeWithOptions({ summary: 'the source is another one' }, [input]))
      .then(
        ({ goesOn }) => (current.misfit ||= !goesOn),
        () => undefined /* the connection is over, or the host is away and tells its end */,
      );
  }

  async #afterEnd(end: RestreamEnd): Promise<void> {
    const { code, detail, wasLive } = end;
    if (code === 'stopped') return;
    this.#ends.push({ at: Date.now(), code, wasLive });
    const error: DestinationError = { code, message: detail };
    const decision = decideRestreamRetry({ ends: this.#ends, now: Date.now(), random: Math.random() });
    if (decision.retry) {
      const nextAttemptAt = new Date(Date.now() + decision.delayMs).toISOString();
      await this.#tell({ status: 'retrying', lastError: error, nextAttemptAt });
      await condition(() => this.#ending || this.#retryNow || this.#sourceChanged || this.#moved, decision.delayMs, {
        summary: 'before the next connection',
      });
    } else {
      await this.#tell({
        status: 'failed',
        lastError: decision.code === code ? error : { ...error, code: decision.code },
        nextAttemptAt: null,
      });
      await this.#awaitRetry();
    }
  }

  /** Failed: somebody has to want it again. Of a host that was gone the next one knows better. */
  async #awaitRetry(): Promise<void> {
    const mayGoOn = () => this.#moved && this.#state.lastError?.code === 'restream_source_lost';
    await condition(() => this.#ending || this.#retryNow || mayGoOn() || this.#isLong);
    if (!this.#ending && !this.#retryNow && !mayGoOn()) await this.#continue(null);
    this.#ends = [];
  }

  /** Closes the connection politely; an answer that does not come counts as cut. */
  async #stop(): Promise<{ forced: boolean }> {
    this.#scope.cancel();
    const { broadcastId, destinationId } = this.#input;
    try {
      return await farewell(this.#hostId).stopRestream.executeWithOptions({ summary: 'close the connection' }, [
        { broadcastId, destinationId },
      ]);
    } catch {
      return { forced: true };
    }
  }

  async #tell(changes: Partial<RestreamState>): Promise<void> {
    this.#state = { ...this.#state, ...changes };
    setCurrentDetails(detailsOf(this.#state, this.#input.label));
    try {
      await getExternalWorkflowHandle(streamWorkflowId(this.#input.streamId)).signal(restreamChangedSignal, {
        eventId: uuid4(),
        state: this.#state,
      });
    } catch {
      // The stream's workflow is gone: nobody will say end, so end.
      this.#ending = true;
    }
  }
}
