import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { NewBroadcast, StreamProjection } from '../domain/contracts/catalog.js';
import type { PublishRefused, PublishStarted, PublishStopped } from '../domain/contracts/publishing.js';
import type { StreamHealth } from '../domain/contracts/stream-health.js';
import type { RestreamState } from '../domain/destination.js';
import type { StreamLife } from '../domain/lifecycle/life.js';
import type { SourceLayout } from '../domain/source.js';
import type { EndCause, StreamStatus } from '../domain/stream.js';
import type { CarriedState } from './legacy/carried-state.js';
import type { CarriedRestream } from './carried-restream.js';

export type { PublishRefused, PublishStarted, PublishStopped };

/** The one input of the stream workflow; ids only, never a key or URL. */
export interface StreamWorkflowInput {
  streamId: string;
  /** Started to delete a stream whose workflow had completed. */
  purge?: boolean;
  /** What the run before this one knew (continue-as-new), and the restreams it has started. */
  life?: StreamLife;
  restreams?: CarriedRestream[];
  /** The same of a run from before the rules were a machine. */
  carried?: CarriedState;
}

/** Every rendition of this encoder can be played. */
export interface EncoderPlayable {
  broadcastId: string;
  epoch: number;
  /** `false`: nothing new comes out of it for now, though nobody can say that it has failed. */
  playable?: boolean;
}

export interface EndRequest {
  cause: EndCause;
}

export interface EndResult {
  /** The stream (or, if reusable, its last broadcast) had ended before this call. */
  alreadyEnded: boolean;
  status: StreamStatus;
}

/**
 * What happened to a destination (already written to Postgres), or what its owner wants now. `start` sends to it in this
 * broadcast though it is not enabled; `stop` ends it until it is started again; `retry` tries at once, also after `failed`;
 * `changed` starts a running restream again if what it sends where has changed; `removed` ends it for good.
 */
export interface DestinationCommand {
  destinationId: string;
  command: 'start' | 'stop' | 'retry' | 'changed' | 'removed';
}

/** From a restream's own workflow to its stream's. */
export interface RestreamChanged {
  /** Unique per signal; a repeated one is ignored. */
  eventId: string;
  state: RestreamState;
}

/** How a restream ended, for a run of its stream that has not started it. */
export interface RestreamEnded extends RestreamChanged {
  /** The connection did not close politely in time and was cut. */
  forced: boolean;
}

/** A stream's state as its workflow knows it: what a media host compares with what it sees. */
export interface StreamState {
  streamId: string;
  status: StreamStatus;
  disabled: boolean;
  broadcastId: string | null;
  lastBroadcastId: string | null;
  hostId: string | null;
  /** Who publishes, as the workflow believes. Absent in the answer of a run from before hosts compared. */
  publisher?: { publishId: string; publishSeq: number; hostId: string } | null;
  /** The highest publishSeq it has been told of. */
  lastPublishSeq?: number;
  /** Publishes up to this number are over for certain: one that still sends has to leave. */
  stoppedSeq?: number;
  /** The encoder that shall run; null: none. */
  encoder?: { broadcastId: string; hostId: string; epoch: number } | null;
  /** Number of the last event. */
  sequence: number;
  /** Postgres has all of it: who reads the timeline now finds what led here. */
  written: boolean;
}

/** A signal, because a publisher's arrival must not be lost while no worker is up. */
export const publishStartedSignal = defineSignal<[PublishStarted]>('publishStarted');
/** A signal for the same reason. */
export const publishStoppedSignal = defineSignal<[PublishStopped]>('publishStopped');
/** A signal, for the timeline alone. */
export const publishRefusedSignal = defineSignal<[PublishRefused]>('publishRefused');
/** A signal, for the timeline alone. */
export const streamHealthSignal = defineSignal<[StreamHealth]>('streamHealth');
/**
 * A signal from the media host that runs the encoder, as soon as viewers can play what it makes; repeated until the workflow
 * shows that it knows, and harmless when repeated or late.
 */
export const encoderPlayableSignal = defineSignal<[EncoderPlayable]>('encoderPlayable');
/** The same of a restream, to its own workflow: media really leaves over connection number `attempt`. */
export const restreamLiveSignal = defineSignal<[{ attempt: number }]>('restreamLive');
/** A signal: the new key is in Postgres already, the holder of the old one only has to leave. */
export const streamKeyRotatedSignal = defineSignal('streamKeyRotated');

/** An update, because the caller must know whether this call ended the stream. Returns once `ending` has begun. */
export const endUpdate = defineUpdate<EndResult, [EndRequest]>('end');
/** Updates, because the caller must know that later publishers will be refused, or accepted. */
export const disableUpdate = defineUpdate<StreamState>('disable');
export const enableUpdate = defineUpdate<StreamState>('enable');
/**
 * An update, because the caller must know whether the command was taken: `null` = done, nothing is sent now (no broadcast).
 * Fails with `stream_not_live` for start and retry outside a broadcast.
 */
export const destinationUpdate = defineUpdate<RestreamState | null, [DestinationCommand]>('destination');

/** A signal between workflows: the restream tells its stream, which alone numbers the timeline. */
export const restreamChangedSignal = defineSignal<[RestreamChanged]>('restreamChanged');
export const restreamEndedSignal = defineSignal<[RestreamEnded]>('restreamEnded');
/** For operators: the broadcast goes on in a new run, with a short history, on the workers' present code. */
export const continueAsNewSignal = defineSignal('continueAsNew');
/** Signals from the stream to a restream: it ends politely, tries at once, the source is another one now. */
export const endRestreamSignal = defineSignal('endRestream');
export const retryRestreamSignal = defineSignal('retryRestream');
export const sourceChangedSignal = defineSignal<[SourceLayout]>('sourceChanged');
/** The broadcast goes on at this media host. */
export const hostChangedSignal = defineSignal<[string]>('hostChanged');

/** An update, so that DELETE answers after the deletion can no longer be lost. Ends a live broadcast first. */
export const deleteUpdate = defineUpdate<StreamState>('delete');

/** Everything Postgres should show of a stream, for whoever compares: the newest version, and the end of the timeline. */
export interface StreamSnapshot extends StreamProjection {
  /** What the row of the present broadcast begins with, if there is a broadcast. */
  opened?: NewBroadcast;
}

export const snapshotQuery = defineQuery<StreamSnapshot>('snapshot');
export const stateQuery = defineQuery<StreamState>('state');
