import type { Logger } from '../../platform/log/logger.js';
import { takeLeave } from './restream-farewell.js';
import type { RestreamRecord, RestreamRegistry } from './restream-registry.js';

export interface CloseRestreamDeps {
  restreams: RestreamRegistry;
  /** Ends what the reader of that name gets of its programme. */
  endReader: (reader: string) => Promise<unknown>;
  log: Logger;
}

export interface StoppedRestream {
  /** The connection had to be cut, or the platform had not taken the end in time. */
  forced: boolean;
}

/** Platforms are told the end (FCUnpublish, deleteStream) in well under this time; then the connection is cut. */
const STOP_GRACE_MS = 3000;

/** Closes the connection politely if the platform lets it; its record stays, with the note that this was meant. */
export async function closeRestream({ restreams, endReader, log }: CloseRestreamDeps, record: RestreamRecord): Promise<StoppedRestream> {
  const { broadcastId, destinationId, attempt, process, reader } = record;
  record.stopping = true;
  await restreams.write(record);
  const endInput = async (): Promise<void> => {
    try {
      await endReader(reader);
    } catch (error) {
      // An ingest that is away has ended all its readers.
      log.warn({ err: error, destinationId }, 'the reader of a restream could not be ended');
    }
  };
  const polite = await takeLeave(process, STOP_GRACE_MS, endInput);
  log.info({ broadcastId, destinationId, attempt, pid: process.pid, polite }, 'restream stopped');
  return { forced: !polite };
}
