import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RestreamKey } from '../../domain/contracts/restream.js';
import type { RestreamFormat } from '../../domain/restream-plan.js';
import { ProcessRegistry, type ProcessRecord } from '../process/process-registry.js';

/** The connection of one restream. */
export interface RestreamRecord extends ProcessRecord {
  /** Absent where an older media worker wrote the record. */
  streamId?: string;
  broadcastId: string;
  destinationId: string;
  /** Number of the connection. */
  attempt: number;
  /** Where this attempt's lines begin in the log, which all attempts share. */
  logOffset: number;
  /** What it was made for. */
  format: RestreamFormat;
  /** Its name at the ingest, by which its programme can be ended. */
  reader: string;
  /** Written by ffmpeg (`-progress`). */
  progressPath: string;
  /** Media has really left for the platform. */
  live: boolean;
  /** Somebody asked for its end. */
  stopping: boolean;
  /** What it met on its way to the platform is not told: it has looked the name up itself, and may not reach everything. */
  hidesFailure?: boolean;
  /** The programme is never silent: a slate fills its holes. */
  slate: boolean;
}

export const restreamFileId = ({ broadcastId, destinationId }: RestreamKey): string => `${broadcastId}.${destinationId}`;

/** The restreams of this host, by broadcast and destination. */
export class RestreamRegistry extends ProcessRegistry<RestreamRecord> {
  constructor(dir: string) {
    super(dir, { idOf: restreamFileId, numberOf: ({ attempt }) => attempt });
  }

  of(key: RestreamKey): Promise<RestreamRecord | null> {
    return this.read(restreamFileId(key));
  }

  progressPath(key: RestreamKey, attempt: number): string {
    return join(this.dir, `${restreamFileId(key)}.${attempt}.progress`);
  }

  /** Removes the record and what its ffmpeg reported. */
  override async remove(id: string): Promise<void> {
    const record = await this.read(id);
    await super.remove(id);
    if (record) await rm(record.progressPath, { force: true });
  }
}

/** Platforms are told the end in well under this time; when everything stops, a frozen one holds nobody up. */
const FINAL_GRACE_MS = 1000;

/** Ends every restream written down in `dir`; for the end of the whole installation, not of a worker. */
export const stopAllRestreams = (dir: string): Promise<number> => new RestreamRegistry(dir).stopAll(FINAL_GRACE_MS);
