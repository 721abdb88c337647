import type { TranscodeInput } from '../../domain/contracts/transcode.js';
import { ProcessRegistry, type ProcessRecord } from '../process/process-registry.js';

/** The encoder of one broadcast. */
export interface EncoderRecord extends ProcessRecord {
  broadcastId: string;
  publishId: string;
  epoch: number;
  /** Its largest rendition is a copy of the source's picture. */
  copies?: boolean;
  /** What it was started for, so that the next media worker can watch it at once. Absent where an older one wrote the record. */
  input?: TranscodeInput;
}

/** The encoders of this host, by broadcast. */
export class EncoderRegistry extends ProcessRegistry<EncoderRecord> {
  constructor(dir: string) {
    super(dir, { idOf: ({ broadcastId }) => broadcastId, numberOf: ({ epoch }) => epoch });
  }
}

/** Ends every encoder written down in `dir`; for the end of the whole installation, not of a worker. */
export const stopAllEncoders = (dir: string): Promise<number> => new EncoderRegistry(dir).stopAll();
