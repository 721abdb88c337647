import type { PublishRefused, PublishStarted, PublishStopped } from '../contracts/publishing.js';
import type { StreamHealth } from '../contracts/stream-health.js';
import type { Moment } from './facts.js';
import { statusOf, type StreamLife } from './life.js';
import { tell } from './timeline.js';

/** Messages are repeated within seconds; this many ids cover far more than that. */
const REMEMBERED_EVENT_IDS = 100;

/** True for a message that was heard before. */
export function isRepeated(life: StreamLife, eventId: string): boolean {
  if (life.seenEventIds.includes(eventId)) return true;
  life.seenEventIds = [...life.seenEventIds, eventId].slice(-REMEMBERED_EVENT_IDS);
  return false;
}

/**
 * The ingest says who publishes, and says it again while nobody is known here: so a publisher that was taken for gone is back
 * with the number it had. A late or repeated message never touches the present publisher, nor brings back one that has left.
 */
export function publishStarted(life: StreamLife, started: PublishStarted): void {
  if (isRepeated(life, started.eventId) || started.publishSeq <= life.stoppedSeq || started.publishSeq < life.lastPublishSeq) return;
  if (started.publishSeq === life.lastPublishSeq && life.publisher) return;
  life.lastPublishSeq = started.publishSeq;
  life.publisher = started;
}

export function publishStopped(life: StreamLife, stopped: PublishStopped): void {
  if (isRepeated(life, stopped.eventId)) return;
  publisherLeft(life, stopped.publishSeq);
}

/** For certain: its own host says so, or it is sent away. */
export function publisherLeft(life: StreamLife, publishSeq: number): void {
  life.stoppedSeq = Math.max(life.stoppedSeq, publishSeq);
  if (life.publisher && life.publisher.publishSeq <= life.stoppedSeq) life.publisher = null;
  const doubt = life.broadcast?.doubt;
  if (doubt && doubt.publisher.publishSeq <= life.stoppedSeq) life.broadcast!.doubt = null;
}

/** Nobody knows whether it has left: its host is asked, and the broadcast waits for the answer. */
export function publisherDoubted(life: StreamLife, { now }: Moment): void {
  const { publisher, broadcast } = life;
  if (!publisher || !broadcast) return;
  broadcast.doubt = { publisher, since: now };
  life.publisher = null;
}

/** The answer of its host. */
export function publisherFound(life: StreamLife, publishId: string, present: boolean): void {
  const doubt = life.broadcast?.doubt;
  if (doubt?.publisher.publishId !== publishId) return;
  if (!present) return publisherLeft(life, doubt.publisher.publishSeq);
  life.broadcast!.doubt = null;
  life.broadcast!.hostIsLost = false;
  if (doubt.publisher.publishSeq === life.lastPublishSeq) life.publisher ??= doubt.publisher;
}

/** Its encoder is told why; whoever comes later is another one. */
export function sendAway(life: StreamLife, reason: string): void {
  const publisher = life.publisher ?? life.broadcast?.doubt?.publisher;
  if (!publisher) return;
  const { publishId, hostId, publishSeq } = publisher;
  life.dismissals = [...life.dismissals, { publishId, hostId, reason }];
  publisherLeft(life, publishSeq);
}

/** Only the timeline hears of it: whoever publishes now is not touched. The same refusal that still waits to be written is counted. */
export function publishRefused(life: StreamLife, moment: Moment, { eventId, code, message, remoteAddress }: PublishRefused): void {
  if (isRepeated(life, eventId) || statusOf(life) === 'ended') return;
  const data = { problem: 'publisher_refused', code, detail: message, remoteAddress };
  const waiting = life.outbox
    .slice(UNDER_WAY)
    .flatMap(({ events }) => events)
    .find((event) => event.data.problem === data.problem && event.data.code === code);
  if (waiting) waiting.data.repeated = Number(waiting.data.repeated ?? 0) + 1;
  else tell(life, moment, { event: { type: 'stream.health', data } });
}

/** The first entries of the outbox may be on their way to Postgres: they are changed no more. */
export const UNDER_WAY = 100;

/** Only the timeline hears of it, too. */
export function healthTold(life: StreamLife, moment: Moment, { eventId, broadcastId, problem, data }: StreamHealth): void {
  const present = life.broadcast?.broadcastId;
  if (isRepeated(life, eventId) || present === undefined || (broadcastId ?? present) !== present) return;
  tell(life, moment, { event: { type: 'stream.health', data: { problem, ...data } } });
}
