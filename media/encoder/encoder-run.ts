import type { TranscodeInput, TranscodeProgress, TranscodeResult } from '../../domain/contracts/transcode.js';
import { HostedRun } from '../host/hosted-run.js';
import type { EncoderRecord } from './encoder-registry.js';

/** One encoder epoch of a broadcast on this host: from the moment it is asked for to its end. */
export class EncoderRun extends HostedRun<TranscodeResult> {
  /** Of who attached last: the publisher may be another one by now. */
  input: TranscodeInput;
  /** null before there is a process. */
  record: EncoderRecord | null;
  /** The origin has received so much from it. */
  mediaSeconds = 0;
  /** Every rendition of it can be played. */
  isPlayable = false;
  /** Nothing new comes out of it, and its ingest answers nothing. */
  isDry = false;
  /** News of it reach its workflow in their order. */
  told: Promise<void> = Promise.resolve();

  constructor(input: TranscodeInput, record: EncoderRecord | null = null) {
    super();
    this.input = input;
    this.record = record;
  }

  get epoch(): number {
    return this.input.epoch;
  }

  get broadcastId(): string {
    return this.input.broadcastId;
  }

  /** undefined before there is a process. */
  get progress(): TranscodeProgress | undefined {
    if (!this.record) return undefined;
    const { pid, startedAt } = this.record.process;
    return { pid, startedAt, epoch: this.epoch, mediaSeconds: this.mediaSeconds };
  }
}
