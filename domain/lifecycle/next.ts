import type { StreamSettings } from '../stream.js';
import { firstSequenceAfter } from '../takeover.js';
import {
  encoderEnded,
  encoderPlayable,
  encoderWithoutPicture,
  canTake,
  goLive,
  interrupt,
  PICTURE_GRACE_MS,
  startEncoder,
  startSlate,
  stopEncoder,
} from './encoder-rules.js';
import { advanceEnding, beginEnding, leave } from './ending-rules.js';
import type { Fact, Moment } from './facts.js';
import { handOverKey } from './hand-over-key.js';
import { newBroadcast, type BroadcastLife, type StreamLife } from './life.js';
import { healthTold, publisherFound, publishRefused, publishStarted, publishStopped, sendAway } from './publisher-rules.js';
import { tell, tellBroadcast } from './timeline.js';

const MS_PER_SECOND = 1000;
/**
 * A publisher whose host does not answer is waited for at least this long, however short the window: a host that was frozen
 * (swap, a paused machine) is awake again sooner, and its encoder has never stopped sending.
 */
export const DOUBT_LIMIT_MS = 45_000;

/**
 * The rules of a stream: what it is after something has happened. Pure: the same life, fact and moment always give the same
 * answer, and `life` is not touched. What is to be done about it: `obligationsOf`.
 */
export function next(life: Readonly<StreamLife>, fact: Fact, moment: Moment): StreamLife {
  const draft = JSON.parse(JSON.stringify(life)) as StreamLife;
  take(draft, fact, moment);
  settle(draft, moment);
  return draft;
}

/** What the fact itself changes. */
function take(life: StreamLife, fact: Fact, moment: Moment): void {
  const { broadcast } = life;
  switch (fact.kind) {
    case 'created':
      return tell(life, moment, { event: { type: 'stream.created' } });
    case 'publishStarted':
      return publishStarted(life, fact.started);
    case 'publishStopped':
      return publishStopped(life, fact.stopped);
    case 'publishRefused':
      return publishRefused(life, moment, fact.refused);
    case 'health':
      return healthTold(life, moment, fact.health);
    case 'restreamChanged':
      return restreamChanged(life, moment, fact);
    case 'endRequested':
      if (life.phase === 'idle' || life.phase === 'broadcast') life.endCause ??= fact.cause;
      return;
    case 'disabled':
      return setDisabled(life, moment, true);
    case 'enabled':
      return setDisabled(life, moment, false);
    case 'deleteRequested':
      life.deleteRequested = true;
      if (broadcast) life.endCause ??= 'deleted';
      return;
    case 'keyRotated':
      return sendAway(life, 'the stream key was rotated');
    case 'opened':
      return opened(life, moment, fact);
    case 'unknownStream':
      return unknownStream(life, moment);
    case 'settingsRead':
      return idleEnd(life, moment, fact.reusable);
    case 'recorded':
      life.outbox = life.outbox.slice(fact.count);
      return;
    case 'encoderPlayable':
      if (broadcast?.encoder && isOf(broadcast, fact)) encoderPlayable(broadcast.encoder, moment, fact.playable ?? true);
      return;
    case 'encoderEnded':
      if (broadcast?.encoder && isOf(broadcast, fact)) encoderEnded(life, moment, fact.end);
      return;
    case 'encoderStopped':
      if (broadcast?.encoder && isOf(broadcast, fact)) broadcast.encoder = null;
      return;
    case 'publisherFound':
      return publisherFound(life, fact.publishId, fact.present);
    case 'restreamsEnded':
      if (broadcast?.ending?.step === 'restreams') broadcast.ending.step = 'encoder';
      return;
    case 'playlistsFinished':
      if (broadcast?.ending?.step === 'playlists') Object.assign(broadcast.ending, { step: 'publisher', summary: fact.summary });
      return;
    case 'dismissed':
      life.dismissals = life.dismissals.filter(({ publishId }) => publishId !== fact.publishId);
      return;
    case 'handedOver':
      life.handOvers = life.handOvers.filter((handOver) => handOverKey(handOver) !== fact.key);
      return;
    case 'purged':
      life.phase = 'purged';
      return;
    case 'woken':
      return;
  }
}

const isOf = ({ broadcastId, encoder }: BroadcastLife, about: { broadcastId: string; epoch: number }): boolean =>
  about.broadcastId === broadcastId && about.epoch === encoder?.order.epoch;

function restreamChanged(life: StreamLife, moment: Moment, { state, name }: Extract<Fact, { kind: 'restreamChanged' }>): void {
  const { destinationId, status, attempts, lastError, nextAttemptAt } = state;
  const event = { type: `restream.${status}`, data: { destinationId, name, attempts, lastError, nextAttemptAt } } as const;
  tell(life, moment, { restreams: [state], ...(event.type === 'restream.idle' ? {} : { event: { type: event.type, data: event.data } }) });
}

function setDisabled(life: StreamLife, moment: Moment, disabled: boolean): void {
  if (disabled && life.broadcast) life.endCause ??= 'disabled';
  if (life.disabled === disabled) return;
  life.disabled = disabled;
  tell(life, moment, {});
}

function opened(
  life: StreamLife,
  moment: Moment,
  { broadcastId, settings, retentionHours }: { broadcastId: string; settings: StreamSettings; retentionHours: number },
): void {
  const { broadcast } = life;
  if (broadcast?.broadcastId !== broadcastId || broadcast.settings) return;
  Object.assign(broadcast, { settings, retentionHours, endsAt: moment.now + settings.maxDurationSeconds * MS_PER_SECOND });
  const { remoteAddress, source } = broadcast;
  tellBroadcast(life, moment, { type: 'stream.connected', data: { remoteAddress, source } });
}

/** Its row is gone: deleted, or in a database that was restored to a moment before it. It takes no publisher. */
function unknownStream(life: StreamLife, moment: Moment): void {
  life.broadcast = null;
  sendAway(life, 'the stream is not known any more');
  Object.assign(life, { phase: 'ended', endCause: null });
  tell(life, moment, {});
}

/** End asked of an idle stream: a one-shot stream will never be published to; a reusable one has nothing to end. */
function idleEnd(life: StreamLife, moment: Moment, reusable: boolean): void {
  const { endCause } = life;
  if (life.phase !== 'idle' || !endCause) return;
  life.endCause = null;
  if (reusable) return;
  life.phase = 'ended';
  tell(life, moment, { event: { type: 'stream.ended', cause: endCause } });
}

/** What follows from what the stream is now, whatever has led there. */
function settle(life: StreamLife, moment: Moment): void {
  if (life.broadcast) settleBroadcast(life, life.broadcast, moment);
  if (!life.broadcast) settleWithout(life, moment);
}

function settleWithout(life: StreamLife, moment: Moment): void {
  if (life.deleteRequested && life.phase !== 'purged') life.phase = 'purging';
  if (life.phase !== 'idle') return sendAway(life, 'the stream has ended');
  if (life.disabled) return sendAway(life, 'the stream is disabled');
  if (life.publisher && !life.endCause) open(life, moment);
}

function open(life: StreamLife, { now, newId }: Moment): void {
  const { hostId, source, remoteAddress } = life.publisher!;
  life.phase = 'broadcast';
  const broadcastId = `brd_${newId()}`;
  const startedAt = new Date(now).toISOString();
  life.told = { opened: { broadcastId, streamId: life.streamId, hostId, startedAt }, broadcast: null, recording: null, restreams: [] };
  life.broadcast = newBroadcast({ broadcastId, hostId, source, remoteAddress });
}

function settleBroadcast(life: StreamLife, broadcast: BroadcastLife, moment: Moment): void {
  if (!broadcast.settings) return;
  if (!broadcast.ending) {
    if (life.publisher) present(life, broadcast, moment);
    else absent(life, broadcast, moment);
  }
  const { now } = moment;
  const overdue = broadcast.endsAt !== null && now >= broadcast.endsAt;
  if (overdue && !life.endCause && !broadcast.ending) life.endCause = 'max_duration';
  if (life.endCause && !broadcast.ending) beginEnding(life, moment, life.endCause);
  if (broadcast.ending) advanceEnding(life, moment);
}

/** Somebody publishes: an encoder makes of it what viewers see. */
function present(life: StreamLife, broadcast: BroadcastLife, moment: Moment): void {
  const publisher = life.publisher!;
  const { now } = moment;
  Object.assign(broadcast, { windowEndsAt: null, slateWasTried: false, doubt: null });
  if (life.endCause) return;
  if (publisher.hostId !== broadcast.hostId) moveTo(life, broadcast, publisher.hostId, moment);
  const { encoder } = broadcast;
  if (encoder && !encoder.stopping && encoder.publishId !== publisher.publishId) {
    if (canTake(encoder, publisher)) encoder.publishId = publisher.publishId;
    else stopEncoder(broadcast);
  }
  if (!broadcast.encoder && now >= (broadcast.restartAt ?? 0)) startEncoder(life, publisher, moment);
  const running = broadcast.encoder?.stopping ? null : broadcast.encoder;
  if (running?.playable) {
    broadcast.pictureDueAt = null;
    if (broadcast.status !== 'live') goLive(life, moment);
    return;
  }
  if (running && now >= running.playableDueAt) encoderWithoutPicture(life, moment);
  if (broadcast.status !== 'live') return;
  broadcast.pictureDueAt ??= now + PICTURE_GRACE_MS;
  if (now >= broadcast.pictureDueAt) interrupt(life, moment, { problem: 'no_picture' });
}

/** When a publisher that is away is waited for no longer, ms; null while nobody is away. */
export function windowOverAt({ windowEndsAt, doubt }: BroadcastLife): number | null {
  return windowEndsAt === null || !doubt ? windowEndsAt : Math.max(windowEndsAt, doubt.since + DOUBT_LIMIT_MS);
}

/** The publisher is gone: the window is a durable timer, and the broadcast goes on if it is back in time. */
function absent(life: StreamLife, broadcast: BroadcastLife, moment: Moment): void {
  const { now } = moment;
  const windowMs = broadcast.settings!.reconnectWindowSeconds * MS_PER_SECOND;
  Object.assign(broadcast, { restartAt: null, pictureDueAt: null });
  if (life.endCause) return;
  const { encoder } = broadcast;
  // A slate that shows nothing is of no use.
  const isWanted = encoder?.order.programme === true && (encoder.playable || now < encoder.playableDueAt);
  if (!isWanted) stopEncoder(broadcast);
  broadcast.windowEndsAt ??= now + windowMs;
  if (now >= windowOverAt(broadcast)!) {
    life.endCause = 'reconnect_window_over';
    return;
  }
  interrupt(life, moment, { reconnectWindowSeconds: windowMs / MS_PER_SECOND });
  const mayShowSlate = broadcast.liveAt !== null && broadcast.last && !broadcast.encoder && !broadcast.slateWasTried && !broadcast.doubt;
  if (!mayShowSlate) return;
  broadcast.slateWasTried = true;
  startSlate(life, broadcast.last!.publishId, moment);
}

/**
 * The publisher is at another host now: the broadcast goes on there. What it leaves behind is ended when the old host can be
 * reached; nobody waits for that.
 */
function moveTo(life: StreamLife, broadcast: BroadcastLife, hostId: string, moment: Moment): void {
  life.handOvers = [...life.handOvers, leave(broadcast, broadcast.hostId, null)];
  const openedAt = broadcast.endsAt! - broadcast.settings!.maxDurationSeconds * MS_PER_SECOND;
  const { hostId: left, formerHosts } = broadcast;
  Object.assign(broadcast, {
    hostId,
    formerHosts: [...formerHosts.filter((former) => former !== hostId && former !== left), left],
    fromSequence: firstSequenceAfter(moment.now - openedAt),
    encoder: null,
    lostSight: null,
    last: null,
    restartAt: null,
    hostIsLost: false,
  });
  if (broadcast.status === 'live') interrupt(life, moment, { problem: 'host_changed', hostId });
  else tellBroadcast(life, moment);
}
