import { describe, expect, it } from 'vitest';
import type { StreamProjection } from '../../../domain/contracts/catalog.js';
import { missingPart, type WrittenState } from '../../../workers/reconciliation/missing-part.js';

const TIME = '2026-01-02T03:04:05.678Z';
const opened = { broadcastId: 'brd_1', streamId: 'str_1', hostId: 'local', startedAt: TIME };
const measured = { durationSeconds: null, bytes: null };
const snapshot: StreamProjection = {
  streamId: 'str_1',
  version: 7,
  status: 'live',
  disabled: false,
  broadcastId: 'brd_1',
  opened,
  broadcast: {
    broadcastId: 'brd_1',
    status: 'live',
    source: null,
    renditions: [],
    liveAt: TIME,
    endedAt: null,
    endCause: null,
    ...measured,
  },
  recording: { recordingId: 'rec_1', broadcastId: 'brd_1', status: 'recording', ...measured },
  restreams: [],
  events: [{ id: 'evt_9', sequence: 9, type: 'stream.live', streamId: 'str_1', broadcastId: 'brd_1', occurredAt: TIME, data: {} }],
};
const { recording: _recording, restreams: _restreams, ...withoutOthers } = snapshot;
const there: WrittenState = { version: 7, lastSequence: 9, events: 1, hasBroadcast: true };

describe('what the rows of a stream lack', () => {
  it.each<[string, WrittenState | null, StreamProjection | null]>([
    ['nothing, when they are as far', there, null],
    ['nothing, when they are further: the answer is an old one', { ...there, version: 8, lastSequence: 0 }, null],
    ['nothing that could be written, without a row of the stream', null, null],
    ['everything, when they are behind', { ...there, version: 6 }, snapshot],
    ['everything, when the broadcast has no row', { ...there, hasBroadcast: false }, snapshot],
    ['the events, and not what others may have written since', { ...there, lastSequence: 8, events: 0 }, withoutOthers],
    ['everything, when a restored database was written to before anybody looked', { ...there, events: 0 }, snapshot],
  ])('is %s', (_name, written, missing) => {
    expect(missingPart(snapshot, written)).toEqual(missing);
  });

  it('is not a broadcast nobody knows the beginning of: it would be lacking for ever', () => {
    expect(missingPart({ ...snapshot, opened: undefined }, { ...there, hasBroadcast: false })).toBeNull();
  });
});
