import type { AmfValue } from './amf-bytes.js';
import type { RtmpCommand } from './command-message.js';

/** The values of one command message to the peer, and its stream. */
export interface Answer {
  streamId: number;
  values: AmfValue[];
}

export const UNPUBLISH_SUCCESS = 'NetStream.Unpublish.Success';
const PUBLISH_START = 'NetStream.Publish.Start';

/** Answers of the peer to us: to answer them would never end. */
const REPLIES = /^(_result|_error|on[A-Z])/;

/**
 * What a peer waits for that sends this command, and that is no matter of the connection itself: a `_result` wherever it awaits
 * one (RTMP 7.2.1.2), before it what servers have always told the encoders that ask for it (FCPublish, FCUnpublish).
 */
export function answersTo({ name, transactionId }: RtmpCommand): Answer[] {
  if (REPLIES.test(name)) return [];
  const answers: Answer[] = [];
  if (name === 'FCPublish') answers.push(notice('onFCPublish', PUBLISH_START, 'FCPublish'));
  if (name === 'FCUnpublish') answers.push(notice('onFCUnpublish', UNPUBLISH_SUCCESS, 'FCUnpublish'));
  if (transactionId > 0) answers.push({ streamId: 0, values: ['_result', transactionId, null, resultOf(name)] });
  return answers;
}

const notice = (name: string, code: string, description: string): Answer => ({
  streamId: 0,
  values: [name, 0, null, { level: 'status', code, description }],
});

/** The length of what is published live is not known: 0 seconds. */
const resultOf = (name: string): AmfValue => (name === 'getStreamLength' || name === 'getMovLen' ? 0 : undefined);
