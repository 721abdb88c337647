import type { SecretBox } from '../../auth/secret-box.js';
import type { DestinationError, DestinationStatus, RestreamRendition } from '../../../domain/destination.js';
import type { ErrorCode } from '../../../domain/errors.js';
import type { PlatformId } from '../../../domain/platforms.js';

/** What the owner of a destination sets. `url` and `streamKey` are secrets: for the process that sends alone. */
export interface DestinationSettings {
  name: string | null;
  /** null: an address of the owner's own. */
  platform: PlatformId | null;
  url: string;
  /** null: the key is in the URL. */
  streamKey: string | null;
  /** Sent to in every broadcast. */
  enabled: boolean;
  rendition: RestreamRendition;
  slate: boolean;
}

export interface NewDestination extends DestinationSettings {
  id: string;
  streamId: string;
}

/** A target of restreaming; from `status` on the workflow's projection. */
export interface DestinationRecord extends NewDestination {
  status: DestinationStatus;
  attempts: number;
  lastError: DestinationError | null;
  nextAttemptAt: Date | null;
  startedAt: Date | null;
  /** Over the present, else the last, connection. */
  bytesSent: number;
  createdAt: Date;
  updatedAt: Date;
}

/** One row of `destinations`, as pg returns it: what its owner set, then what the workflow wrote of its restream. */
export interface DestinationRow {
  id: string;
  stream_id: string;
  name: string | null;
  platform: PlatformId | null;
  url_encrypted: string;
  stream_key_encrypted: string | null;
  enabled: boolean;
  rendition: string;
  slate: boolean;
  revision: number;
  created_at: Date;
  updated_at: Date;
  status: DestinationStatus;
  broadcast_id: string | null;
  attempts: number;
  last_error_code: string | null;
  last_error_message: string | null;
  next_attempt_at: Date | null;
  started_at: Date | null;
  /** bigint: pg gives text. */
  bytes_sent: string;
  version: number;
}

/** `source`, or a height in pixels. */
export const toRendition = (text: string): RestreamRendition => (text === 'source' ? text : Number(text));

export const toDestination = (row: DestinationRow, secrets: SecretBox): DestinationRecord => ({
  id: row.id,
  streamId: row.stream_id,
  name: row.name,
  platform: row.platform,
  url: secrets.decrypt(row.url_encrypted),
  streamKey: row.stream_key_encrypted === null ? null : secrets.decrypt(row.stream_key_encrypted),
  enabled: row.enabled,
  rendition: toRendition(row.rendition),
  slate: row.slate,
  status: row.status,
  attempts: row.attempts,
  lastError: toError(row),
  nextAttemptAt: row.next_attempt_at,
  startedAt: row.started_at,
  bytesSent: Number(row.bytes_sent),
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});

function toError({ last_error_code: code, last_error_message: message }: DestinationRow): DestinationError | null {
  return code === null ? null : { code: code as ErrorCode, message: message ?? '' };
}
