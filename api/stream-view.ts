import type { StreamRecord } from '../platform/db/repositories/streams.js';
import type { StreamState } from '../workflows/messages.js';
import type { PublicAddresses } from './dependencies.js';
import type { StreamBody } from './schemas/stream.js';

/** The stream as the API shows it; the key only where the caller adds it. */
export function streamBody(stream: StreamRecord, addresses: PublicAddresses): StreamBody {
  const { playbackId } = stream;
  return {
    id: stream.id,
    name: stream.name,
    status: stream.status,
    disabled: stream.disabled,
    reusable: stream.reusable,
    latency: stream.latency,
    ladder: stream.ladder,
    passthrough: stream.passthrough ?? 'never',
    record: stream.record,
    reconnectWindowSeconds: stream.reconnectWindowSeconds,
    maxDurationSeconds: stream.maxDurationSeconds,
    playbackPolicy: stream.playbackPolicy,
    metadata: stream.metadata,
    ingest: { rtmp: addresses.rtmp },
    playback: {
      id: playbackId,
      hls: hlsAddress(addresses, playbackId),
      player: `${addresses.playback}/${playbackId}/player`,
    },
    broadcastId: stream.broadcastId,
    createdAt: stream.createdAt.toISOString(),
    updatedAt: stream.updatedAt.toISOString(),
  };
}

/** The multivariant playlist of a playback id. */
export const hlsAddress = (addresses: PublicAddresses, playbackId: string): string => `${addresses.playback}/${playbackId}/index.m3u8`;

/** The multivariant playlist of one broadcast by name, on one media host. */
export const broadcastAddress = (playback: string, playbackId: string, broadcastId: string): string =>
  `${playback}/${playbackId}/${broadcastId}/index.m3u8`;

/** The stream with what its workflow says of it, which is newer than any projection. */
export const withState = (
  stream: StreamRecord,
  { status, disabled, broadcastId }: Pick<StreamState, 'status' | 'disabled' | 'broadcastId'>,
): StreamRecord => ({ ...stream, status, disabled, broadcastId });
