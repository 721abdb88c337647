import { ActivityFailure, CancellationScope, isCancellation, TimeoutFailure } from '@temporalio/workflow';
import type { TranscodeInput, TranscodeResult } from '../../activities/transcode.js';
import type { PublishStarted } from '../../domain/contracts/publishing.js';
import { sameSource } from '../../domain/source.js';
import { encoderActivity, mediaCommands, playableActivity } from '../proxies.js';

export interface EncodingInput extends TranscodeInput {
  hostId: string;
}

/** How an encoding ended, or `host_lost` when the media host took or finished no activity. */
export type EncodingEnd = Omit<TranscodeResult, 'reason'> & {
  reason: TranscodeResult['reason'] | 'host_lost';
  /** Nobody answers at that host. */
  unreachable?: boolean;
};

const isUnreachable = (error: unknown): boolean => error instanceof ActivityFailure && error.cause instanceof TimeoutFailure;

const messageOf = (error: unknown): string => {
  const cause = error instanceof Error ? ((error.cause as Error | undefined) ?? error) : error;
  return cause instanceof Error ? cause.message : String(cause);
};

/** One encoder epoch as the main loop sees it: flags to wait for, and a way to stop it. */
export class Encoding {
  /** Whose media it encodes; with a programme, whoever publishes now. */
  publishId: string;
  readonly epoch: number;
  playable = false;
  /** Nothing to play came out of it in time. */
  unplayable: string | null = null;
  end: EncodingEnd | null = null;
  readonly programme: boolean;
  readonly input: EncodingInput;
  readonly #scope = new CancellationScope();

  constructor(input: EncodingInput) {
    this.input = input;
    this.publishId = input.publishId;
    this.epoch = input.epoch;
    this.programme = input.programme;
  }

  start(): this {
    const { hostId, ...input } = this.input;
    const { epoch, broadcastId } = input;
    void this.#scope.run(async () => {
      const media = encoderActivity(hostId);
      const summary = `encoder ${epoch} of ${broadcastId}${input.programme ? ', with the slate' : ''}`;
      const running = media.transcode.executeWithOptions({ summary }, [input]);
      void this.#awaitPlayable();
      try {
        this.end = await running;
      } catch (error) {
        if (!isCancellation(error))
          this.end = { reason: 'host_lost', detail: messageOf(error), mediaSeconds: 0, unreachable: isUnreachable(error) };
      }
      if (this.end) this.#scope.cancel();
    });
    return this;
  }

  async #awaitPlayable(): Promise<void> {
    const { hostId, broadcastId, epoch } = this.input;
    try {
      await playableActivity(hostId).awaitPlayable.executeWithOptions({ summary: 'first picture for viewers' }, [{ broadcastId, epoch }]);
      this.playable = true;
    } catch (error) {
      if (!isCancellation(error)) this.unplayable = messageOf(error);
    }
  }

  /** It needs no publisher: without one it shows the slate. */
  get showsProgramme(): boolean {
    return this.programme && this.end === null && this.unplayable === null;
  }

  /** Its programme goes on with this publisher: an encoder need not begin anew. */
  canTake(publisher: PublishStarted): boolean {
    return this.showsProgramme && publisher.hostId === this.input.hostId && sameSource(publisher.source, this.input.source);
  }

  /** Waits for nothing more of it; whoever abandons it has it ended. */
  abandon(): void {
    this.#scope.cancel();
  }

  /** Ends the encoder, politely, and waits until it is gone. */
  async stop(): Promise<void> {
    this.#scope.cancel();
    const { hostId, broadcastId } = this.input;
    await mediaCommands(hostId).stopTranscode.executeWithOptions({ summary: `stop encoder ${this.epoch}` }, [
      { broadcastId, epoch: this.epoch },
    ]);
  }
}
