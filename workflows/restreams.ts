import {
  ApplicationFailure,
  condition,
  getExternalWorkflowHandle,
  type ChildWorkflowHandle,
  type ExternalWorkflowHandle,
} from '@temporalio/workflow';
import type { DestinationSummary } from '../domain/contracts/destinations.js';
import type { RestreamState } from '../domain/destination.js';
import { sameSource, type SourceLayout } from '../domain/source.js';
import { restreamWorkflowId } from '../domain/task-queues.js';
import { attempt } from './attempt.js';
import type { CarriedRestream } from './carried-restream.js';
import {
  endRestreamSignal,
  hostChangedSignal,
  retryRestreamSignal,
  sourceChangedSignal,
  type DestinationCommand,
  type RestreamChanged,
  type RestreamEnded,
} from './messages.js';
import { catalog } from './proxies.js';
import type { restreamWorkflow, RestreamResult } from './restream-workflow.js';
import { startRestream } from './start-restream.js';

/** A destination closes politely in well under this time; later it is reported as cut, so that ending goes on. */
const END_LIMIT = '8 seconds';
/** A signal that is delivered twice comes twice within seconds. */
const REMEMBERED_EVENT_IDS = 100;

interface Running extends CarriedRestream {
  /** null while it is being started. */
  handle: Pick<ExternalWorkflowHandle, 'signal'> | null;
  /** Started by an earlier run: it tells its end by a signal. */
  isInherited: boolean;
}

export interface RestreamsOptions {
  streamId: string;
  broadcastId: string;
  hostId: string;
  source: SourceLayout;
  /** A restream is in another state now; `name` is the owner's word for its destination. */
  changed: (state: RestreamState, name: string) => void;
}

/** The restreams of one broadcast: each a workflow of its own; this side starts and ends them and hears of them. */
export class Restreams {
  readonly #options: RestreamsOptions;
  #hostId: string;
  #source: SourceLayout;
  readonly #restreams = new Map<string, Running>();
  #closing = false;
  /** Steps under way that a new run would not know of. */
  #steps = 0;
  #moves: Promise<unknown> = Promise.resolve();
  /** The newest connections there, when the broadcast left a host. */
  readonly #left = new Map<string, { destinationId: string; attempt: number }[]>();
  #seenEventIds: string[] = [];

  constructor(options: RestreamsOptions) {
    this.#options = options;
    this.#hostId = options.hostId;
    this.#source = options.source;
  }

  /** Goes on with what an earlier run of the stream has started. */
  inherit(restreams: readonly CarriedRestream[]): this {
    for (const restream of restreams) {
      const { destinationId } = restream.summary;
      const handle = getExternalWorkflowHandle(restreamWorkflowId(this.#options.broadcastId, destinationId));
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

  /** Beside the broadcast: what goes wrong with one destination is told of that one, and of nothing else. */
  async #step(work: () => Promise<unknown>): Promise<void> {
    this.#steps += 1;
    await attempt(work);
    this.#steps -= 1;
  }

  /** All enabled destinations, side by side: a slow one holds up no other, and no database that is away the broadcast. */
  startEnabled(): void {
    void this.#step(async () => {
      const { streamId } = this.#options;
      const destinations = await catalog.destinationsOf.executeWithOptions({ summary: 'enabled destinations' }, [streamId]);
      await Promise.all(destinations.filter(({ enabled }) => enabled).map((summary) => this.#start(summary)));
    });
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
    const [hostId, source] = [this.#hostId, this.#source];
    const { streamId, broadcastId } = this.#options;
    const { label } = summary;
    const child = await attempt(() => startRestream({ streamId, broadcastId, destinationId, label, hostId, source, attempts }));
    if (!child) return this.#ended(running, { state: { ...state, status: 'failed', lastError: NOT_STARTED }, forced: false });
    running.handle = child;
    void this.#awaitEnd(running, child);
    if (hostId !== this.#hostId) await attempt(() => child.signal(hostChangedSignal, this.#hostId));
    if (source !== this.#source) await attempt(() => child.signal(sourceChangedSignal, this.#source));
    if (running.endRequested) await attempt(() => child.signal(endRestreamSignal));
  }

  async #awaitEnd(running: Running, handle: ChildWorkflowHandle<typeof restreamWorkflow>): Promise<void> {
    // Terminated by an operator, say: nobody closed the connection, and nobody will report it.
    const result = (await attempt(() => handle.result())) ?? cut(running);
    this.#ended(running, result);
    this.#againIfWanted(running);
  }

  /** How a restream ended that an earlier run has started. */
  inheritedEnded({ eventId, state, forced }: RestreamEnded): void {
    const running = this.#restreams.get(state.destinationId);
    // One of this run's own is known by its workflow's end.
    if (this.#isRepeated(eventId) || !running?.isInherited || running.ended) return;
    this.#ended(running, { state, forced });
    this.#againIfWanted(running);
  }

  #againIfWanted({ again, summary }: Running): void {
    if (again) void this.#step(() => this.#startStored(summary.destinationId));
  }

  #ended(running: Running, { state, forced }: RestreamResult): void {
    if (running.ended) return;
    running.ended = true;
    const wasFailed = running.state.status === 'failed';
    running.state = forced ? { ...state, lastError: NOT_ENDED } : state;
    // A failed one has told its end already.
    if (!wasFailed) this.#tell(running);
  }

  #tell({ state, summary }: Running): void {
    this.#options.changed(state, summary.label);
  }

  async #stored(destinationId: string): Promise<DestinationSummary | undefined> {
    return (await catalog.destinationsOf(this.#options.streamId)).find((destination) => destination.destinationId === destinationId);
  }

  async #startStored(destinationId: string): Promise<void> {
    const stored = await this.#stored(destinationId);
    if (stored) await this.#start(stored);
  }

  /**
   * Where the broadcast is and what its encoder sends. Each restream that runs hears of a change and sees whether its connection
   * can go on with that.
   */
  follow(hostId: string, source: SourceLayout): void {
    const hasMoved = hostId !== this.#hostId;
    const isOther = !sameSource(this.#source, source);
    if (hasMoved) this.#left.set(this.#hostId, this.#connections);
    [this.#hostId, this.#source] = [hostId, isOther ? source : this.#source];
    if (hasMoved) this.#tellAll((handle) => handle.signal(hostChangedSignal, hostId));
    if (isOther) this.#tellAll((handle) => handle.signal(sourceChangedSignal, source));
  }

  /** Resolves when all have been told of the last move. */
  async moved(): Promise<void> {
    await this.#moves;
  }

  /** The newest connection to each destination from there. */
  connectionsAt(hostId: string): { destinationId: string; attempt: number }[] {
    return hostId === this.#hostId ? this.#connections : (this.#left.get(hostId) ?? []);
  }

  get #connections(): { destinationId: string; attempt: number }[] {
    return [...this.#restreams.values()].map(({ state: { destinationId, attempts } }) => ({ destinationId, attempt: attempts }));
  }

  #tellAll(tell: (handle: NonNullable<Running['handle']>) => Promise<void>): void {
    const handles = [...this.#restreams.values()].flatMap(({ ended, handle }) => (ended || !handle ? [] : [handle]));
    this.#moves = this.#step(() => Promise.all(handles.map((handle) => attempt(() => tell(handle)))));
  }

  /** A restream's own word about itself. */
  changed({ eventId, state }: RestreamChanged): void {
    const running = this.#restreams.get(state.destinationId);
    if (this.#isRepeated(eventId) || !running || running.ended) return;
    running.state = state;
    this.#tell(running);
  }

  #isRepeated(eventId: string): boolean {
    if (this.#seenEventIds.includes(eventId)) return true;
    this.#seenEventIds = [...this.#seenEventIds, eventId].slice(-REMEMBERED_EVENT_IDS);
    return false;
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
    const stored = await this.#stored(destinationId);
    if (stored && stored.revision !== revision) await this.#end(running, true);
  }

  async #end(running: Running, again: boolean): Promise<void> {
    running.again = again;
    running.endRequested = true;
    const { handle } = running;
    // It may just have ended by itself.
    if (handle) await attempt(() => handle.signal(endRestreamSignal));
  }

  /** The end handshake: every destination is told, and reports; one that does not is reported as cut. */
  async endAll(): Promise<void> {
    this.#closing = true;
    const open = [...this.#restreams.values()].filter((running) => !running.ended);
    await Promise.all(open.map((running) => this.#end(running, false)));
    await condition(() => open.every((running) => running.ended), END_LIMIT);
    for (const running of open) this.#ended(running, cut(running));
  }
}

const cut = ({ state }: Running): RestreamResult => ({ state: { ...state, status: 'ended', nextAttemptAt: null }, forced: true });

const NOT_ENDED = {
  code: 'destination_not_ended',
  message: 'The platform did not take the end of the stream in time, so the connection was cut.',
} as const;

const NOT_STARTED = {
  code: 'restream_source_lost',
  message: 'The restream could not be started. Retry it.',
} as const;

/** Start or retry outside a broadcast. */
export const streamNotLive = (): ApplicationFailure =>
  ApplicationFailure.nonRetryable('The stream is not live, so nothing can be sent now.', 'stream_not_live');
