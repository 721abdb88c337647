import { allHandlersFinished, setCurrentDetails, upsertSearchAttributes, uuid4, workflowInfo } from '@temporalio/workflow';
import type { StreamHealth } from '../../domain/contracts/stream-health.js';
import type { RestreamState } from '../../domain/destination.js';
import type { StreamEvent } from '../../domain/event.js';
import type { EndCause, StreamStatus } from '../../domain/stream.js';
import { HOST_ID_ATTRIBUTE, STREAM_STATUS_ATTRIBUTE } from '../../platform/temporal/search-attributes.js';
import type { CarriedState } from './carried-state.js';
import type {
  PublishRefused,
  PublishStarted,
  PublishStopped,
  RestreamChanged,
  RestreamEnded,
  StreamState,
  StreamWorkflowInput,
} from '../messages.js';
import { Outbox } from './outbox.js';
import type { Restreams } from './restreams.js';
import type { Transition } from './transition.js';

/** Repeated signals come within seconds; this many ids cover far more than that. */
const REMEMBERED_EVENT_IDS = 100;
/** Events shown to operators in the Temporal UI. */
const SHOWN_EVENTS = 12;

/** What a stream is now, what it was asked to do, and its numbered timeline. Handlers set wishes; the main loop acts. */
export class StreamLifecycle {
  readonly streamId: string;
  readonly outbox = new Outbox();
  status: StreamStatus = 'idle';
  disabled: boolean;
  broadcastId: string | null = null;
  hostId: string | null = null;
  /** The publisher whose media is arriving, as the ingest says. */
  publisher: PublishStarted | null;
  endCause: EndCause | null = null;
  deleteRequested: boolean;
  keyRotated = false;
  /** Asked for by an operator. */
  continueRequested = false;
  lastBroadcastId: string | null;
  /** While a broadcast is playable. */
  restreams: Restreams | null = null;
  /** Also while they are being ended. */
  onRestreamEnded: ((state: RestreamState, forced: boolean) => void) | null = null;
  #sequence: number;
  #version: number;
  #lastPublishSeq: number;
  #seenEventIds: string[];
  #shown: string[] = [];

  constructor({ streamId, purge, carried }: StreamWorkflowInput) {
    this.streamId = streamId;
    this.deleteRequested = purge ?? false;
    this.disabled = carried?.disabled ?? false;
    this.publisher = carried?.publisher ?? null;
    this.lastBroadcastId = carried?.lastBroadcastId ?? null;
    this.#sequence = carried?.sequence ?? 0;
    this.#version = carried?.version ?? 0;
    this.#lastPublishSeq = carried?.lastPublishSeq ?? 0;
    this.#seenEventIds = carried?.seenEventIds ?? [];
  }

  /** A late or repeated message never touches the present publisher. */
  publishStarted(started: PublishStarted): void {
    if (this.#seen(started.eventId) || started.publishSeq <= this.#lastPublishSeq) return;
    this.#lastPublishSeq = started.publishSeq;
    this.publisher = started;
  }

  publishStopped(stopped: PublishStopped): void {
    if (this.#seen(stopped.eventId) || this.publisher?.publishSeq !== stopped.publishSeq) return;
    this.publisher = null;
  }

  /** Only the timeline hears of it: whoever publishes now is not touched. */
  publishRefused({ eventId, code, message, remoteAddress }: PublishRefused): void {
    if (this.#seen(eventId) || this.status === 'ended') return;
    const data = { problem: 'publisher_refused', code, detail: message, remoteAddress };
    this.transition({ status: this.status, event: { type: 'stream.health', data } });
  }

  /** Only the timeline hears of it, too. */
  health({ eventId, broadcastId, problem, data }: StreamHealth): void {
    if (this.#seen(eventId) || !this.inBroadcast || (broadcastId ?? this.broadcastId) !== this.broadcastId) return;
    this.transition({ status: this.status, event: { type: 'stream.health', data: { problem, ...data } } });
  }

  restreamChanged({ eventId, state }: RestreamChanged): void {
    if (!this.#seen(eventId)) this.restreams?.changed(state);
  }

  restreamEnded({ eventId, state, forced }: RestreamEnded): void {
    if (!this.#seen(eventId)) this.onRestreamEnded?.(state, forced);
  }

  /** A long history is due for a new run, and nothing is left half done in this one. */
  get mayContinueAsNew(): boolean {
    const isDue = this.continueRequested || workflowInfo().continueAsNewSuggested;
    return isDue && this.outbox.drained && allHandlersFinished();
  }

  /** A broadcast that an earlier run began. */
  resume(status: StreamStatus, broadcastId: string, hostId: string): void {
    [this.status, this.broadcastId, this.hostId] = [status, broadcastId, hostId];
    this.#show();
  }

  /** The first cause stands. */
  requestEnd(cause: EndCause): void {
    this.endCause ??= cause;
  }

  /** Asked of an idle stream too: the main loop answers by clearing the request. */
  get wanted(): boolean {
    return this.publisher !== null || this.endCause !== null || this.deleteRequested;
  }

  get inBroadcast(): boolean {
    return this.status !== 'idle' && this.status !== 'ended';
  }

  transition({ status, broadcast, recording, restreams, event }: Transition): void {
    this.status = status;
    const events = event ? [this.#event(event)] : [];
    this.#version += 1;
    this.outbox.push({
      streamId: this.streamId,
      version: this.#version,
      status,
      disabled: this.disabled,
      broadcastId: this.broadcastId,
      ...(broadcast ? { broadcast } : {}),
      ...(recording ? { recording } : {}),
      ...(restreams ? { restreams } : {}),
      events,
    });
    this.#show();
  }

  #event({ type, cause, data }: NonNullable<Transition['event']>): StreamEvent {
    this.#sequence += 1;
    const occurredAt = new Date().toISOString();
    const about = [cause, data?.name].filter((word) => typeof word === 'string').join(' ');
    this.#shown = [...this.#shown, `- ${this.#sequence}: ${occurredAt} **${type}** ${about}`].slice(-SHOWN_EVENTS);
    return {
      id: `evt_${uuid4().replaceAll('-', '')}`,
      sequence: this.#sequence,
      type,
      streamId: this.streamId,
      broadcastId: this.broadcastId,
      occurredAt,
      ...(cause ? { cause } : {}),
      data: data ?? {},
    };
  }

  #seen(eventId: string): boolean {
    if (this.#seenEventIds.includes(eventId)) return true;
    this.#seenEventIds = [...this.#seenEventIds, eventId].slice(-REMEMBERED_EVENT_IDS);
    return false;
  }

  /** What an operator sees of this stream in the Temporal UI. */
  #show(): void {
    upsertSearchAttributes([
      { key: STREAM_STATUS_ATTRIBUTE, value: this.status },
      { key: HOST_ID_ATTRIBUTE, value: this.hostId },
    ]);
    setCurrentDetails(
      [
        `**${this.status}**${this.disabled ? ' (disabled)' : ''}`,
        `- broadcast: ${this.broadcastId ?? 'none'}`,
        `- media host: ${this.hostId ?? 'none'}`,
        `- publisher: ${this.publisher ? `${this.publisher.remoteAddress}, publish ${this.publisher.publishSeq}` : 'none'}`,
        '',
        'Last events:',
        '',
        ...this.#shown,
      ].join('\n'),
    );
  }

  state(): StreamState {
    return {
      streamId: this.streamId,
      status: this.status,
      disabled: this.disabled,
      broadcastId: this.broadcastId,
      lastBroadcastId: this.lastBroadcastId,
      hostId: this.hostId,
      sequence: this.#sequence,
      written: this.outbox.drained,
    };
  }

  carry(): CarriedState {
    return {
      disabled: this.disabled,
      sequence: this.#sequence,
      version: this.#version,
      lastPublishSeq: this.#lastPublishSeq,
      seenEventIds: this.#seenEventIds,
      lastBroadcastId: this.lastBroadcastId,
      publisher: this.publisher,
    };
  }
}
