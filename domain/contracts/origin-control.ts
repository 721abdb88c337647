import type { Rendition } from '../ladder.js';
import type { Latency, PlaybackPolicy } from '../stream.js';

/*
 * What the media worker says to the origin of its host, JSON over HTTP on the origin's control address
 * (loopback). Only processes of this host are answered (control-access.ts). Errors are {code, message} with the status of domain/errors.ts.
 */

/** PUT /broadcasts/:broadcastId (idempotent). Makes this the broadcast its playback id shows. */
export interface OpenBroadcast {
  playbackId: string;
  streamId: string;
  latency: Latency;
  playbackPolicy: PlaybackPolicy;
  /** Recorded: its files stay until they are deleted by name; the sweep leaves them alone. */
  keep?: boolean;
}

/**
 * POST /broadcasts/:broadcastId/encodes. Opens one unix socket per rendition for ffmpeg to connect to. An
 * epoch above the present one fences the older (its sockets are closed, later bytes refused) and starts a
 * discontinuity; the same epoch again answers the same sockets; a lower one is refused with `stale_epoch`.
 */
export interface StartEncode {
  epoch: number;
  gopSeconds: number;
  /** The first segment ends this many seconds after the start; the second where it would without it. See EncodePlan. */
  firstGopSeconds?: number;
  /**
   * Segments and discontinuities are numbered from here at least: another host had the broadcast before, and whoever comes
   * from there must never see a number again. Below the present numbers it changes nothing.
   */
  fromSequence?: number;
  /**
   * Wall clock (ms) at which the first frame came in that the encoder is given: the date of what it sends first. What an
   * encoder is given at once, it sends faster than real time, so the arrival of its output says too late a time. Without it, that is taken.
   */
  receivedAt?: number;
  renditions: Rendition[];
}

export interface StartedEncode {
  /** Rendition id → path of the unix socket, under 108 bytes. */
  sockets: Record<string, string>;
}

/** GET /broadcasts/:broadcastId; 404 `broadcast_not_found`. */
export interface BroadcastStatus {
  broadcastId: string;
  state: 'open' | 'ended';
  epoch: number;
  /** A viewer can play it now: every rendition of the present epoch has its first segment. */
  playable: boolean;
  renditions: RenditionProgress[];
  /** Seconds of finished segments, over all epochs. */
  durationSeconds: number;
  bytes: number;
  /** Since when (ms since 1970) the disk takes no segments, which are played from memory only; null while it does. */
  unstoredSince: number | null;
}

/** GET /broadcasts: all that have not ended. */
export interface OpenBroadcasts {
  broadcasts: (Pick<BroadcastStatus, 'broadcastId' | 'epoch' | 'state'> & { streamId: string })[];
}

export interface RenditionProgress {
  id: string;
  /** ffmpeg is connected to the socket. */
  connected: boolean;
  /** Seconds of media received in this epoch. */
  mediaSeconds: number;
  bytes: number;
  segments: number;
}

/*
 * GET /broadcasts/:broadcastId/playable?timeoutMs=N → BroadcastStatus, held until playable, ended or the time is over.
 * POST /broadcasts/:broadcastId/end → BroadcastStatus with state 'ended' (idempotent): takes what the sockets still
 *   hold, closes the last segments, writes ENDLIST, releases waiting viewers.
 * DELETE /broadcasts/:broadcastId → 204 (idempotent): forgets it and deletes its files.
 */
