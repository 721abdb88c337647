import { CancellationScope, isCancellation } from '@temporalio/workflow';
import type { TranscodeInput, TranscodeResult } from '../activities/transcode.js';
import { encoderActivity, mediaCommands, playableActivity } from './proxies.js';

export interface EncodingInput extends TranscodeInput {
  hostId: string;
}

/** How an encoding ended, or `host_lost` when the media host took or finished no activity. */
export type EncodingEnd = Omit<TranscodeResult, 'reason'> & { reason: TranscodeResult['reason'] | 'host_lost' };

const messageOf = (error: unknown): string => {
  const cause = error instanceof Error ? ((error.cause as Error | undefined) ?? error) : error;
  return cause instanceof Error ? cause.message : String(cause);
};

/** One encoder epoch as the main loop sees it: flags to wait for, and a way to stop it. */
export class Encoding {
  readonly publishId: string;
  readonly epoch: number;
  playable = false;
  /** Nothing to play came out of it in time. */
  unplayable: string | null = null;
  end: EncodingEnd | null = null;
  readonly #input: EncodingInput;
  readonly #scope = new CancellationScope();

  constructor(input: EncodingInput) {
    this.#input = input;
    this.publishId = input.publishId;
    this.epoch = input.epoch;
  }

  start(): this {
    const { hostId, ...input } = this.#input;
    const { epoch, broadcastId } = input;
    void this.#scope.run(async () => {
      const media = encoderActivity(hostId);
      const running = media.transcode.executeWithOptions({ summary: `encoder ${epoch} of ${broadcastId}` }, [input]);
      void this.#awaitPlayable();
      try {
        this.end = await running;
      } catch (error) {
        if (!isCancellation(error)) this.end = { reason: 'host_lost', detail: messageOf(error), mediaSeconds: 0 };
      }
      if (this.end) this.#scope.cancel();
    });
    return this;
  }

  async #awaitPlayable(): Promise<void> {
    const { hostId, broadcastId, epoch } = this.#input;
    try {
      await playableActivity(hostId).awaitPlayable.executeWithOptions({ summary: 'first picture for viewers' }, [{ broadcastId, epoch }]);
      this.playable = true;
    } catch (error) {
      if (!isCancellation(error)) this.unplayable = messageOf(error);
    }
  }

  /** Ends the encoder, politely, and waits until it is gone. */
  async stop(): Promise<void> {
    this.#scope.cancel();
    const { hostId, broadcastId } = this.#input;
    await mediaCommands(hostId).stopTranscode.executeWithOptions({ summary: `stop encoder ${this.epoch}` }, [{ broadcastId }]);
  }
}
