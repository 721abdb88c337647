import {
  ApplicationFailure,
  ParentClosePolicy,
  condition,
  getExternalWorkflowHandle,
  sleep,
  startChild,
  type ChildWorkflowHandle,
  type ExternalWorkflowHandle,
} from '@temporalio/workflow';
import type { DestinationSummary } from '../../domain/contracts/destinations.js';
import type { DestinationStatus, RestreamState } from '../../domain/destination.js';
import type { EventType } from '../../domain/event.js';
import { sameSource, type SourceLayout } from '../../domain/source.js';
import type { StreamStatus } from '../../domain/stream.js';
import { restreamWorkflowId, STREAMS_QUEUE } from '../../domain/task-queues.js';
import { STREAM_ID_ATTRIBUTE } from '../../platform/temporal/search-attributes.js';
import type { CarriedRestream } from '../carried-restream.js';
import { endRestreamSignal, hostChangedSignal, retryRestreamSignal, sourceChangedSignal, type DestinationCommand } from '../messages.js';
import { catalog } from '../proxies.js';
import { restreamWorkflow, type RestreamResult } from '../restream-workflow.js';
import type { Transition } from './transition.js';

/** A destination closes politely in well under this time; later it is reported as cut, so that ending goes on. */
const END_LIMIT = '8 seconds';

const EVENTS: Partial<Record<DestinationStatus, EventType>> = {
  starting: 'restream.starting',
  live: 'restream.live',
  retrying: 'restream.retrying',
  failed: 'restream.failed',
  ended: 'restream.ended',
};

/** A restream says that it has ended a moment before its workflow has. */
const CLOSING = '1 second';

interface Running extends CarriedRestream {
  /** null while it is being started. */
  handle: Pick<ExternalWorkflowHandle, 'signal'> | null;
  /** Started by an earlier run: it tells its end by a signal. */
  isInherited: boolean;
}

/** What restreams need of the stream they belong to. */
interface RestreamedStream {
  readonly streamId: string;
  readonly status: StreamStatus;
  /** Also while they are being ended. */
  onRestreamEnded: ((state: RestreamState, forced: boolean) => void) | null;
  transition(change: Transition): void;
}

/** The restreams of one broadcast: each a workflow of its own; this side starts and ends them and keeps their timeline. */
export class Restreams {
  readonly #life: RestreamedStream;
  readonly #broadcastId: string;
  #hostId: string;
  #source: SourceLayout;
  readonly #restreams = new Map<string, Running>();
  #closing = false;
  /** Steps under way that a new run would not know of. */
  #steps = 0;

  constructor(life: RestreamedStream, broadcastId: string, hostId: string, source: SourceLayout) {
    this.#life = life;
    this.#broadcastId = broadcastId;
    this.#hostId = hostId;
    this.#source = source;
    life.onRestreamEnded = (state, forced) => this.#inheritedEnded(state, forced);
  }

  /** Goes on with what an earlier run of the stream has started. */
  inherit(restreams: readonly CarriedRestream[]): this {
    for (const restream of restreams) {
      const { destinationId } = restream.summary;
      const handle = getExternalWorkflowHandle(restreamWorkflowId(this.#broadcastId, destinationId));
      this.#restreams.set(destinationId, { ...restream, handle, isInherited: true });
    }
    return this;
  }

  /** Nothing is under way that a new run would not know of. */
  get isSettled(): boolean {
    return this.#steps === 0 && [...this.#restreams.values()].every(({ handle, ended }) => ended || handle !== null);
  }

  carry(): CarriedRestream[] {
    return [...this.#restreams.values()].map(({ summary, state, endRequested, again, ended }) => ({
      summary,
      state,
      endRequested,
      again,
      ended,
    }));
  }

  async #step(work: () => Promise<unknown>): Promise<void> {
    this.#steps += 1;
    try {
      await work();
    } finally {
      this.#steps -= 1;
    }
  }

  /** All enabled destinations, side by side: a slow one holds up no other. */
  startEnabled(): Promise<void> {
    return this.#step(() => this.#startEnabled());
  }

  async #startEnabled(): Promise<void> {
    const destinations = await catalog.destinationsOf.executeWithOptions({ summary: 'enabled destinations' }, [this.#life.streamId]);
    await Promise.all(destinations.filter(({ enabled }) => enabled).map((summary) => this.#start(summary)));
  }

  async #start(summary: DestinationSummary): Promise<void> {
    const { destinationId } = summary;
    const before = this.#restreams.get(destinationId);
    if (this.#closing || (before && !before.ended)) return;
    const attempts = before?.state.attempts ?? 0;
    const state: RestreamState = { destinationId, status: 'starting', attempts, lastError: null, nextAttemptAt: null, startedAt: null };
    const running: Running = { summary, state, handle: null, endRequested: false, again: false, ended: false, isInherited: false };
    // Known before it runs: a command that arrives meanwhile must find it.
    this.#restreams.set(destinationId, running);
    const source = this.#source;
    const hostId = this.#hostId;
    const child = await this.#startChild(summary, attempts, source);
    running.handle = child;
    void this.#awaitEnd(running, child);
    if (hostId !== this.#hostId) await signal(child.signal(hostChangedSignal, this.#hostId));
    if (source !== this.#source) await signal(child.signal(sourceChangedSignal, this.#source));
    if (running.endRequested) await signal(child.signal(endRestreamSignal));
  }

  #startChild(
    { destinationId, label }: DestinationSummary,
    attempts: number,
    source: SourceLayout,
  ): Promise<ChildWorkflowHandle<typeof restreamWorkflow>> {
    const { streamId } = this.#life;
    return startChild(restreamWorkflow, {
      workflowId: restreamWorkflowId(this.#broadcastId, destinationId),
      taskQueue: STREAMS_QUEUE,
      // The stream may go on in another run; a restream whose stream is gone ends by itself.
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `restream to ${label}`,
      typedSearchAttributes: [{ key: STREAM_ID_ATTRIBUTE, value: streamId }],
      args: [{ streamId, broadcastId: this.#broadcastId, destinationId, label, hostId: this.#hostId, source, attempts }],
    });
  }

  async #awaitEnd(running: Running, handle: ChildWorkflowHandle<typeof restreamWorkflow>): Promise<void> {
    let result: RestreamResult;
    try {
      result = await handle.result();
    } catch {
      // Terminated by an operator, say: nobody closed the connection, and nobody will report it.
      result = { state: { ...running.state, status: 'ended', nextAttemptAt: null }, forced: true };
    }
    this.#ended(running, result);
    if (running.again) await this.#step(() => this.#startStored(running.summary.destinationId));
  }

  #inheritedEnded(state: RestreamState, forced: boolean): void {
    const running = this.#restreams.get(state.destinationId);
    // One of this run's own is known by its workflow's end.
    if (!running?.isInherited || running.ended) return;
    this.#ended(running, { state, forced });
    if (!running.again) return;
    void this.#step(async () => {
      await sleep(CLOSING, { summary: 'until the restream is closed' });
      await this.#startStored(state.destinationId);
    });
  }

  #ended(running: Running, { state, forced }: RestreamResult): void {
    if (running.ended) return;
    running.ended = true;
    const wasFailed = running.state.status === 'failed';
    running.state = forced ? { ...state, lastError: NOT_ENDED } : state;
    // A failed one has told its end already.
    if (!wasFailed) this.#record(running);
  }

  async #startStored(destinationId: string): Promise<void> {
    const stored = (await catalog.destinationsOf(this.#life.streamId)).find((destination) => destination.destinationId === destinationId);
    if (stored) await this.#start(stored);
  }

  /** The encoder is back with other media: each restream sees whether its connection can go on with that. */
  async sourceChanged(source: SourceLayout): Promise<void> {
    if (sameSource(this.#source, source)) return;
    this.#source = source;
    await this.#tellAll((handle) => handle.signal(sourceChangedSignal, source));
  }

  /** The broadcast goes on at another media host, and what is sent with it. */
  async moveTo(hostId: string): Promise<void> {
    this.#hostId = hostId;
    await this.#tellAll((handle) => handle.signal(hostChangedSignal, hostId));
  }

  /** The newest connection to each destination. */
  get connections(): { destinationId: string; attempt: number }[] {
    return [...this.#restreams.values()].map(({ state: { destinationId, attempts } }) => ({ destinationId, attempt: attempts }));
  }

  async #tellAll(tell: (handle: NonNullable<Running['handle']>) => Promise<void>): Promise<void> {
    const handles = [...this.#restreams.values()].flatMap(({ ended, handle }) => (ended || !handle ? [] : [handle]));
    await this.#step(() => Promise.all(handles.map((handle) => signal(tell(handle)))));
  }

  /** A restream's own word about itself. */
  changed(state: RestreamState): void {
    const running = this.#restreams.get(state.destinationId);
    if (!running || running.ended) return;
    running.state = state;
    this.#record(running);
  }

  #record({ state, summary }: Running): void {
    const type = EVENTS[state.status];
    const { destinationId, attempts, lastError, nextAttemptAt } = state;
    this.#life.transition({
      status: this.#life.status,
      restreams: [state],
      ...(type ? { event: { type, data: { destinationId, name: summary.label, attempts, lastError, nextAttemptAt } } } : {}),
    });
  }

  /** What the owner wants of one destination; answers its state, or null when nothing is sent there now. */
  async command({ destinationId, command }: DestinationCommand): Promise<RestreamState | null> {
    const running = this.#restreams.get(destinationId);
    const active = running && !running.ended ? running : null;
    switch (command) {
      case 'start':
        if (active?.state.status === 'failed') await active.handle?.signal(retryRestreamSignal);
        else if (!active) await this.#startStored(destinationId);
        break;
      case 'retry':
        if (active) await active.handle?.signal(retryRestreamSignal);
        else await this.#startStored(destinationId);
        break;
      case 'stop':
      case 'removed':
        if (active) await this.#end(active, false);
        break;
      case 'changed':
        if (active) await this.#restartIfChanged(active);
    }
    return this.#restreams.get(destinationId)?.state ?? null;
  }

  async #restartIfChanged(running: Running): Promise<void> {
    const { destinationId, revision } = running.summary;
    const stored = (await catalog.destinationsOf(this.#life.streamId)).find((destination) => destination.destinationId === destinationId);
    if (stored && stored.revision !== revision) await this.#end(running, true);
  }

  async #end(running: Running, again: boolean): Promise<void> {
    running.again = again;
    running.endRequested = true;
    if (running.handle) await signal(running.handle.signal(endRestreamSignal));
  }

  /** The end handshake: every destination is told, and reports; one that does not is reported as cut. */
  async endAll(): Promise<void> {
    this.#closing = true;
    const open = [...this.#restreams.values()].filter((running) => !running.ended);
    await Promise.all(open.map((running) => this.#end(running, false)));
    await condition(() => open.every((running) => running.ended), END_LIMIT);
    for (const running of open) this.#ended(running, { state: { ...running.state, status: 'ended', nextAttemptAt: null }, forced: true });
  }
}

async function signal(sent: Promise<void>): Promise<void> {
  try {
    await sent;
  } catch {
    // It has just ended by itself.
  }
}

const NOT_ENDED = {
  code: 'destination_not_ended',
  message: 'The platform did not take the end of the stream in time, so the connection was cut.',
} as const;

/** Start or retry outside a broadcast. */
export const streamNotLive = (): ApplicationFailure =>
  ApplicationFailure.nonRetryable('The stream is not live, so nothing can be sent now.', 'stream_not_live');
