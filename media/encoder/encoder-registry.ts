import { ProcessRegistry, type ProcessRecord } from '../process/process-registry.js';

/** The encoder of one broadcast. */
export interface EncoderRecord extends ProcessRecord {
  broadcastId: string;
  publishId: string;
  epoch: number;
  /** Its largest rendition is a copy of the source's picture. */
  copies?: boolean;
}

/** The encoders of this host, by broadcast. */
export class EncoderRegistry extends ProcessRegistry<EncoderRecord> {
  constructor(dir: string) {
    super(dir, ({ broadcastId }) => broadcastId);
  }
}

/** Ends every encoder written down in `dir`; for the end of the whole installation, not of a worker. */
export const stopAllEncoders = (dir: string): Promise<number> => new EncoderRegistry(dir).stopAll();
