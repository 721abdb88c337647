import type { TranscodeInput, TranscodeResult } from '../domain/contracts/transcode.js';
import type { EncoderHost, EncoderKey } from '../media/encoder/encoder-host.js';
import { whileAttached } from './attached.js';

export type { TranscodeInput, TranscodeProgress, TranscodeResult } from '../domain/contracts/transcode.js';

/** What a stream's workflow asks of the encoders of a media host; they are its host's, and outlive every activity. */
export function createTranscodeActivities(encoders: EncoderHost) {
  return {
    /**
     * Waits for the end of one encoder epoch of a broadcast, which it has started, or adopts. Cancelling leaves the encoder
     * running, for the next attempt or for the workflow's next run: `stopTranscode` ends it.
     */
    async transcode(input: TranscodeInput): Promise<TranscodeResult> {
      const run = encoders.attach(input);
      try {
        return await whileAttached(
          () => run.end,
          () => run.progress,
        );
      } finally {
        run.detach();
      }
    },

    /** Returns when a viewer can play the broadcast: every rendition has its first segment. */
    awaitPlayable(encoder: EncoderKey): Promise<void> {
      return whileAttached((signal) => encoders.awaitPlayable(encoder, signal));
    },

    /** Ends the broadcast's encoder wherever it stands; nothing to do when it is gone, or a later one has its place. */
    stopTranscode(encoder: EncoderKey): Promise<void> {
      return encoders.stop(encoder);
    },
  };
}
