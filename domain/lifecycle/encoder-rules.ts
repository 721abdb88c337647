import { expendableRendition } from '../ladder.js';
import { decideRestart } from '../restart-policy.js';
import { sameSource } from '../source.js';
import type { PublishStarted } from '../contracts/publishing.js';
import type { EncoderEnd, EncoderOrder } from './encoder-order.js';
import type { Moment } from './facts.js';
import type { BroadcastLife, EncoderLife, StreamLife } from './life.js';
import { publisherDoubted, publisherLeft } from './publisher-rules.js';
import { recordingIdOf, recordingOf, renditionsOf, tellBroadcast } from './timeline.js';

/** Longer than the slowest start: a host whose worker is just being started again, an 8 s GOP, a busy machine. */
const PLAYABLE_LIMIT_MS = 45_000;
/** A restarted encoder delivers sooner; without it viewers have run dry, and the stream is no longer live. */
export const PICTURE_GRACE_MS = 4000;
const MS_PER_SECOND = 1000;

/** Its programme goes on with this publisher: an encoder need not begin anew. */
export const canTake = ({ order, stopping }: EncoderLife, publisher: PublishStarted): boolean =>
  order.programme && !stopping && publisher.hostId === order.hostId && sameSource(publisher.source, order.source);

/** Encodes what this publisher sends; an encoder for just that which may still run is taken on. */
export function startEncoder(life: StreamLife, publisher: PublishStarted, { now }: Moment): void {
  const broadcast = life.broadcast!;
  const { publishId, hostId, source } = publisher;
  broadcast.source = source;
  broadcast.restartAt = null;
  const known = broadcast.lostSight;
  broadcast.lostSight = null;
  if (known && known.publishId === publishId && known.hostId === hostId) return begin(broadcast, known, now);
  const isFirst = broadcast.last?.publishId !== publishId;
  if (isFirst) broadcast.last = { publishId, epoch: broadcast.epoch + 1, mediaSeconds: 0 };
  const { epoch, mediaSeconds } = broadcast.last!;
  begin(broadcast, { ...nextOrder(life), publishId, after: isFirst ? null : { epoch, mediaSeconds }, programme: false }, now);
}

/**
 * What viewers see while the publisher is away: the playlists go on. The publisher is taken into the same encoder when it is
 * back as it was. Where no slate can be had, viewers wait.
 */
export function startSlate(life: StreamLife, publishId: string, { now }: Moment): void {
  begin(life.broadcast!, { ...nextOrder(life), publishId, after: null, programme: true }, now);
}

function begin(broadcast: BroadcastLife, order: EncoderOrder, now: number): void {
  const { publishId } = order;
  broadcast.encoder = { order, publishId, playable: false, playableDueAt: now + PLAYABLE_LIMIT_MS, stopping: false };
}

function nextOrder({ streamId, broadcast }: StreamLife): Omit<EncoderOrder, 'publishId' | 'after' | 'programme'> {
  const { broadcastId, hostId, source, settings, fromSequence, dropped } = broadcast!;
  broadcast!.epoch += 1;
  return {
    hostId,
    streamId,
    broadcastId,
    epoch: broadcast!.epoch,
    source,
    settings: settings!,
    ...(fromSequence === null ? {} : { fromSequence }),
    ...(dropped.length > 0 ? { without: [...dropped] } : {}),
  };
}

export function stopEncoder(broadcast: BroadcastLife): void {
  if (broadcast.encoder) broadcast.encoder.stopping = true;
}

/** What viewers have is over; told once, however many reasons follow each other. */
export function interrupt(life: StreamLife, moment: Moment, data: Record<string, unknown>): void {
  const broadcast = life.broadcast!;
  broadcast.interruptedAt ??= moment.now;
  broadcast.pictureDueAt = null;
  if (broadcast.status === 'reconnecting') return;
  broadcast.status = 'reconnecting';
  tellBroadcast(life, moment, { type: 'stream.reconnecting', data });
}

/** A viewer can play it now. */
export function goLive(life: StreamLife, moment: Moment): void {
  const broadcast = life.broadcast!;
  const again = broadcast.liveAt !== null;
  Object.assign(broadcast, { status: 'live', interruptedAt: null, pictureDueAt: null, hostIsLost: false });
  broadcast.liveAt ??= new Date(moment.now).toISOString();
  const renditions = renditionsOf(broadcast).map(({ id }) => id);
  tellBroadcast(life, moment, { type: again ? 'stream.reconnected' : 'stream.live', data: { renditions } });
  if (again || !broadcast.settings!.record) return;
  const event = { type: 'recording.started', data: { recordingId: recordingIdOf(broadcast) } } as const;
  tellBroadcast(life, moment, event, recordingOf(broadcast, 'recording'));
}

/** Whether viewers get anything from it now. One that has stopped giving is given the time of a new one to begin again. */
export function encoderPlayable(encoder: EncoderLife, { now }: Moment, playable: boolean): void {
  if (encoder.playable && !playable) encoder.playableDueAt = now + PLAYABLE_LIMIT_MS;
  encoder.playable = playable;
}

/** The encoder ended by itself, or was lost sight of. */
export function encoderEnded(life: StreamLife, moment: Moment, end: EncoderEnd): void {
  const broadcast = life.broadcast!;
  const { order, publishId, stopping } = broadcast.encoder!;
  // Whoever asked for its end hears of that separately.
  if (stopping) return;
  broadcast.encoder = null;
  if (end.unreachable) broadcast.hostIsLost = true;
  const { publisher } = life;
  if (broadcast.ending || publisher?.publishId !== publishId) return;
  // There was no slate to be had, or the ingest is gone: the next encoder, from the publisher itself, finds out.
  if (order.programme && end.reason === 'source_gone') return;
  if (end.reason === 'source_gone') return publisherLeft(life, publisher.publishSeq);
  if (end.reason === 'source_unknown' || end.reason === 'host_lost') {
    if (end.reason === 'host_lost' && !order.programme) broadcast.lostSight = order;
    return publisherDoubted(life, moment);
  }
  encoderFailed(life, moment, publishId, end);
}

/** Nothing playable came out of it in time. A broadcast that was playable gets as many encoders as its window has time for. */
export function encoderWithoutPicture(life: StreamLife, moment: Moment): void {
  const broadcast = life.broadcast!;
  const { now } = moment;
  const detail = 'Nothing that can be played came out of the encoder.';
  const isOver = now - (broadcast.interruptedAt ?? now) >= broadcast.settings!.reconnectWindowSeconds * MS_PER_SECOND;
  const { publishId } = broadcast.encoder!;
  stopEncoder(broadcast);
  if (broadcast.liveAt === null || isOver) fail(life, moment, 'no_playable_media', detail);
  else encoderFailed(life, moment, publishId, { reason: 'stalled', detail, mediaSeconds: 0 });
}

function encoderFailed(life: StreamLife, moment: Moment, publishId: string, end: EncoderEnd): void {
  const broadcast = life.broadcast!;
  const { reason, detail, mediaSeconds } = end;
  if (mediaSeconds > 0) broadcast.last = { publishId, epoch: broadcast.epoch, mediaSeconds };
  if (reason === 'too_slow') return dropRendition(life, moment, end);
  broadcast.failures.push(moment.now);
  const decision = decideRestart(broadcast.failures, broadcast.liveAt !== null);
  if (!decision.restart) return fail(life, moment, 'encoder_failed', detail);
  broadcast.restartAt = moment.now + decision.delayMs;
  tellBroadcast(life, moment, { type: 'stream.health', data: { problem: `encoder_${reason}`, detail, restartInMs: decision.delayMs } });
}

/** No failure of the encoder: the host is too slow for all it was asked for, and the next one is asked for less. */
function dropRendition(life: StreamLife, moment: Moment, { pace }: EncoderEnd): void {
  const broadcast = life.broadcast!;
  const droppedRendition = expendableRendition(renditionsOf(broadcast))?.id ?? null;
  if (droppedRendition !== null) broadcast.dropped.push(droppedRendition);
  const renditions = renditionsOf(broadcast).map(({ id }) => id);
  tellBroadcast(life, moment, { type: 'stream.health', data: { problem: 'encoder_too_slow', droppedRendition, renditions, ...pace } });
}

function fail(life: StreamLife, moment: Moment, cause: 'encoder_failed' | 'no_playable_media', detail: string): void {
  life.endCause ??= cause;
  tellBroadcast(life, moment, { type: 'stream.failed', cause, data: { detail } });
}
