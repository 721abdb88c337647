import { coversStream } from '../../platform/auth/permissions.js';
import type { RecordingRecord } from '../../platform/db/repositories/recordings.js';
import { HoldfastError } from '../../domain/errors.js';
import { decodeCursor, nextCursor } from '../cursor.js';
import type { ApiDependencies } from '../dependencies.js';
import { RESOURCE_ID } from '../ids.js';
import { findStream, STREAM_PARAM } from '../find-stream.js';
import { defineRoute, type Route } from '../route.js';
import { listQuery } from '../schemas/broadcast.js';
import { pageOf } from '../schemas/common.js';
import { recordingSchema, type RecordingBody } from '../schemas/recording.js';
import { addressesOfStream, playbackOfHosts } from '../playback-addresses.js';
import { broadcastAddress, hlsAddress } from '../stream-view.js';

const TAG = 'Recordings';
/** Of a cursor. */
const LIST = 'recordings';

export function recordingRoutes(deps: ApiDependencies): Route[] {
  const { recordings, streams, broadcasts } = deps;

  /** A playback address shows the newest broadcast of its stream: only that one's recording is found there. */
  async function hlsOf({ streamId, broadcastId, status }: RecordingRecord): Promise<string | null> {
    if (status === 'failed') return null;
    const [stream, latest, there] = await Promise.all([
      streams.find(streamId),
      broadcasts.findLatest(streamId),
      addressesOfStream(deps, streamId),
    ]);
    if (!stream || latest?.id !== broadcastId || latest.mediaDeletedAt !== null) return null;
    return hlsAddress(there, stream.playbackId);
  }

  async function partsOf(recording: RecordingRecord): Promise<RecordingBody['parts']> {
    const [stream, broadcast, parts] = await Promise.all([
      streams.find(recording.streamId),
      broadcasts.find(recording.broadcastId),
      recordings.partsOf(recording),
    ]);
    const playbackOf = await playbackOfHosts(
      deps,
      parts.map(({ hostId }) => hostId),
    );
    const isThere = stream !== null && broadcast?.mediaDeletedAt === null;
    return parts.map(({ hostId, startedAt, ...measured }) => ({
      hostId,
      hls: isThere ? broadcastAddress(playbackOf(hostId), stream.playbackId, recording.broadcastId) : null,
      startedAt: startedAt.toISOString(),
      ...measured,
    }));
  }

  const recordingBody = async (recording: RecordingRecord): Promise<RecordingBody> => ({
    ...recording,
    hls: await hlsOf(recording),
    parts: await partsOf(recording),
    mp4: null,
    thumbnail: null,
    storyboard: null,
    createdAt: recording.createdAt.toISOString(),
    updatedAt: recording.updatedAt.toISOString(),
  });

  return [
    defineRoute({
      method: 'get',
      path: '/v1/streams/{streamId}/recordings',
      operationId: 'listRecordings',
      tag: TAG,
      summary: 'List the recordings of a stream, newest first',
      permissions: ['stream:read'],
      params: STREAM_PARAM,
      query: listQuery,
      answers: { 200: { description: 'A page of recordings.', schema: pageOf(recordingSchema) } },
      errors: ['invalid_cursor'],
      async handle({ params, query: { cursor, limit } }) {
        const { id } = await findStream(deps, params.streamId!);
        const page = await recordings.listOf(id, { after: decodeCursor(LIST, cursor), limit });
        const data = await Promise.all(page.items.map(recordingBody));
        return { status: 200, body: { data, nextCursor: nextCursor(LIST, page, (recording) => recording) } };
      },
    }),
    defineRoute({
      method: 'get',
      path: '/v1/recordings/{recordingId}',
      operationId: 'getRecording',
      tag: TAG,
      summary: 'Read a recording',
      permissions: ['stream:read'],
      description: 'Addresses are null while there is nothing at them.',
      params: {
        recordingId: { pattern: RESOURCE_ID, missing: 'recording_not_found', description: 'Id of a recording.' },
      },
      answers: { 200: { description: 'The recording.', schema: recordingSchema } },
      async handle({ params, credential }) {
        const recording = await recordings.find(params.recordingId!);
        if (!recording || !coversStream(credential, recording.streamId)) throw new HoldfastError('recording_not_found');
        return { status: 200, body: await recordingBody(recording) };
      },
    }),
  ];
}
