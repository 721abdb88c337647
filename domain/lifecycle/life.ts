import type { BroadcastProjection, NewBroadcast, RecordingProjection, StreamProjection } from '../contracts/catalog.js';
import type { PublishStarted } from '../contracts/publishing.js';
import type { RestreamState } from '../destination.js';
import type { EncoderOrder } from './encoder-order.js';
import type { StreamEvent } from '../event.js';
import type { SourceLayout } from '../source.js';
import type { EndCause, StreamSettings, StreamStatus } from '../stream.js';

/**
 * All that is known of a stream. JSON only: whatever run of the workflow goes on with it begins where the last one was, and
 * does what is still to be done (obligations.ts).
 */
export interface StreamLife {
  streamId: string;
  /** `idle`: no broadcast. `ended`: takes none any more. `purging`: is being deleted, `purged`: nothing is left. */
  phase: 'idle' | 'broadcast' | 'ended' | 'purging' | 'purged';
  disabled: boolean;
  deleteRequested: boolean;
  /** Who publishes, as far as is known; null: nobody. */
  publisher: PublishStarted | null;
  lastPublishSeq: number;
  /** Publishes up to this one are over for certain: a repeated message cannot bring them back. */
  stoppedSeq: number;
  /** The first cause stands. Also while idle: the stream is asked to end. */
  endCause: EndCause | null;
  broadcast: BroadcastLife | null;
  lastBroadcastId: string | null;
  /** Publishers that have to leave, until their host has been told. */
  dismissals: Dismissal[];
  /** What other workflows take care of from now on, until they certainly do. */
  handOvers: HandOver[];
  /** Number of the last event. */
  sequence: number;
  /** Number of the last projection. */
  version: number;
  /** Not yet in Postgres, oldest first. */
  outbox: StreamProjection[];
  /** Of messages that were heard, the last ones. */
  seenEventIds: string[];
  /** The timeline's end. */
  recent: StreamEvent[];
  /** What Postgres was told last, for whoever compares. */
  told: {
    /** What the row of the newest broadcast begins with. */
    opened: NewBroadcast | null;
    broadcast: BroadcastProjection | null;
    recording: RecordingProjection | null;
    restreams: RestreamState[];
  };
  /** A broadcast has ended since this run began: the next one gets a history of its own. */
  runIsDue: boolean;
}

export interface BroadcastLife {
  broadcastId: string;
  status: Exclude<StreamStatus, 'idle' | 'ended'>;
  /** null until the catalog has opened it. */
  settings: StreamSettings | null;
  retentionHours: number;
  source: SourceLayout;
  /** host:port of the first publisher. */
  remoteAddress: string | null;
  /** The media host it is on: one at a time. */
  hostId: string;
  /** Those it has been on, oldest first. */
  formerHosts: string[];
  /** Numbers of segments begin here at least, since it has changed its host. */
  fromSequence: number | null;
  liveAt: string | null;
  endedAt: string | null;
  /** When it has lasted as long as it may, ms; null until it is open. */
  endsAt: number | null;
  /** Number of the newest encoder. */
  epoch: number;
  encoder: EncoderLife | null;
  /** An encoder that was lost sight of: it may still run, and the next one for the same media is this one. */
  lostSight: EncoderOrder | null;
  last: LastEncoder | null;
  /** When encoders failed, ms. */
  failures: number[];
  /** Renditions that the host was too slow for: they stay away for the rest of the broadcast. */
  dropped: string[];
  /** Since when viewers have had nothing new, ms; null while they have. */
  interruptedAt: number | null;
  /** The publisher is away: until when it may come back, ms. */
  windowEndsAt: number | null;
  /** The slate was started in this absence. */
  slateWasTried: boolean;
  /** The next encoder waits until then, ms. */
  restartAt: number | null;
  /** Without a picture until then the stream is no longer live, ms. */
  pictureDueAt: number | null;
  /** Nobody knows whether this publisher is still there; its host is asked. */
  doubt: { publisher: PublishStarted; since: number } | null;
  /** The present host answers nothing. */
  hostIsLost: boolean;
  ending: Ending | null;
}

/** One encoder epoch, from its order to its certain end. */
export interface EncoderLife {
  order: EncoderOrder;
  /** Whose media it encodes now; with a programme, whoever publishes. */
  publishId: string;
  playable: boolean;
  /** Without anything playable until then it is ended, ms. */
  playableDueAt: number;
  /** It is being stopped; the next one waits for that. */
  stopping: boolean;
}

/** The last encoder that delivered anything (or the first) of a publisher, and how far it came. */
export interface LastEncoder {
  publishId: string;
  epoch: number;
  mediaSeconds: number;
}

export const ENDING_STEPS = ['restreams', 'encoder', 'playlists', 'publisher'] as const;
export interface Ending {
  cause: EndCause;
  /** Each begins when the one before is over. */
  step: (typeof ENDING_STEPS)[number];
  summary: MediaSummary | null;
}

export interface MediaSummary {
  durationSeconds: number;
  bytes: number;
}

export interface Dismissal {
  publishId: string;
  hostId: string;
  /** Shown by the encoder. */
  reason: string;
}

/** `leave`: what a broadcast has left behind at a host is ended (and finished) there. `delete`: segments, once their time is over. */
export type HandOver =
  | {
      kind: 'leave';
      broadcastId: string;
      hostId: string;
      epoch: number;
      publishId: string | null;
      finish: { deleteAfterMs: number | null } | null;
    }
  | { kind: 'delete'; broadcastId: string; hostId: string; afterMs: number };

export function newLife(streamId: string): StreamLife {
  return {
    streamId,
    phase: 'idle',
    disabled: false,
    deleteRequested: false,
    publisher: null,
    lastPublishSeq: 0,
    stoppedSeq: 0,
    endCause: null,
    broadcast: null,
    lastBroadcastId: null,
    dismissals: [],
    handOvers: [],
    sequence: 0,
    version: 0,
    outbox: [],
    seenEventIds: [],
    recent: [],
    told: { opened: null, broadcast: null, recording: null, restreams: [] },
    runIsDue: false,
  };
}

/** The one word a reader sees. */
export const statusOf = (life: StreamLife): StreamStatus => {
  if (life.broadcast) return life.broadcast.status;
  return life.phase === 'idle' ? 'idle' : 'ended';
};

/** One that begins now, and is not open yet. */
export const newBroadcast = (begun: Pick<BroadcastLife, 'broadcastId' | 'hostId' | 'source' | 'remoteAddress'>): BroadcastLife => ({
  ...begun,
  status: 'connecting',
  settings: null,
  retentionHours: 0,
  formerHosts: [],
  fromSequence: null,
  liveAt: null,
  endedAt: null,
  endsAt: null,
  epoch: 0,
  encoder: null,
  lostSight: null,
  last: null,
  failures: [],
  dropped: [],
  interruptedAt: null,
  windowEndsAt: null,
  slateWasTried: false,
  restartAt: null,
  pictureDueAt: null,
  doubt: null,
  hostIsLost: false,
  ending: null,
});
