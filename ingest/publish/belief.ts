import type { StreamState } from '../../workflows/messages.js';
import type { PublisherIdentity } from './publisher.js';

/** What a stream's workflow believes of its publisher; the optional fields are absent in the answers of old runs. */
export type StreamBelief = Pick<StreamState, 'status' | 'publisher' | 'lastPublishSeq' | 'stoppedSeq'>;

/**
 * What follows for the publisher that is there:
 * - `agree`: nothing is to be done now;
 * - `tell`: the workflow has not heard of it, or has lost it;
 * - `renumber`: neither would it listen to the number the publish has; it needs a higher one first;
 * - `superseded`: a newer publish has the stream, the claim's lease ends this one;
 * - `dismissed`: the workflow has sent it away, and that word was lost;
 * - `over`: the stream takes no more broadcasts.
 */
export type BeliefVerdict = 'agree' | 'tell' | 'renumber' | 'superseded' | 'dismissed' | 'over';

/**
 * Compares what a workflow believes with a publisher whose media is known.
 *
 * @param belief null: there is no such workflow, telling starts it, or says that it is over
 */
export function compareBelief(belief: StreamBelief | null, own: PublisherIdentity): BeliefVerdict {
  if (belief === null) return 'tell';
  const { status, publisher, lastPublishSeq, stoppedSeq } = belief;
  if (status === 'ended') return 'over';
  if (publisher === undefined || lastPublishSeq === undefined) return 'agree';
  if (publisher?.publishId === own.publishId) return 'agree';
  // While a broadcast is being ended its publisher is being disconnected: nothing may bring it back in between.
  if (status === 'ending') return 'agree';
  if (publisher !== null && publisher.publishSeq >= own.publishSeq) return 'superseded';
  if (stoppedSeq === own.publishSeq) return 'dismissed';
  return lastPublishSeq > own.publishSeq ? 'renumber' : 'tell';
}
