import { setTimeout as delay } from 'node:timers/promises';
import type { StreamHealth } from '../../domain/contracts/stream-health.js';
import type { TranscodeResult } from '../../domain/contracts/transcode.js';
import type { TooSlow } from '../../domain/encoder-pace.js';
import { expendableRendition, pickLadder } from '../../domain/ladder.js';
import { isDryFor, judgeEncoder } from '../../domain/liveness.js';
import { StoreHealth } from '../../domain/store-health.js';
import { isRunning } from '../process/process-identity.js';
import { storeHealth, tooSlowHealth } from './encoder-health.js';
import { prepareSlate, type EncoderMediaDeps } from './encoder-media.js';
import type { EncoderRecord } from './encoder-registry.js';
import type { EncoderRun } from './encoder-run.js';
import { originStatus, publisherOf, publisherState, receivedOf, type EncoderSources } from './encoder-sources.js';
import { EncoderWatch } from './encoder-watch.js';

export interface WatchEncoderDeps extends EncoderSources, EncoderMediaDeps {
  /** Beside the watch: it waits for nothing. */
  tellHealth: (run: EncoderRun, health: StreamHealth) => void;
  /** Viewers get nothing new, and whether that is anybody's fault cannot be asked; or they do again. */
  tellDry: (run: EncoderRun, isDry: boolean) => void;
}

/** What was seen at the end; whether that was meant is known elsewhere. */
export interface SeenEnd {
  verdict: Exclude<TranscodeResult['reason'], 'stopped' | 'passthrough_over'>;
  pace?: TooSlow;
}

/** The slate is made when the start, which viewers wait for, is over. */
const SLATE_AFTER_SECONDS = 6;

/**
 * Watches an encoder until it ends, or has to be ended.
 *
 * @param signal stop watching
 * @returns null when it was told to stop watching
 */
export async function watchEncoder(
  deps: WatchEncoderDeps,
  run: EncoderRun,
  record: EncoderRecord,
  signal: AbortSignal,
): Promise<SeenEnd | null> {
  let slateIsReady = false;
  let tooSlowIsTold = false;
  const { source, settings, without } = run.input;
  const mayDrop = expendableRendition(pickLadder(source, settings.ladder, without).renditions) !== null;
  const watching = new EncoderWatch(record);
  const store = new StoreHealth();
  while (!signal.aborted) {
    const running = isRunning(record.process);
    if (!running || watching.isReadingDue()) {
      const { input } = run;
      const [status, publisher] = await Promise.all([originStatus(deps, input), publisherOf(deps, input)]);
      const received = receivedOf(status, input);
      const news = status && store.take(status.unstoredSince, Date.now());
      if (news) deps.tellHealth(run, storeHealth(input, news));
      const reading = watching.take(running, received, publisherState(input, publisher));
      const verdict = judgeEncoder(reading);
      run.mediaSeconds = watching.mediaSeconds;
      if (verdict !== 'healthy') return { verdict };
      const isDry = isDryFor(reading);
      if (isDry !== null && isDry !== run.isDry) deps.tellDry(run, isDry);
      const pace = watching.judgePace(received, publisher ?? null);
      if (pace && mayDrop) return { verdict: 'too_slow', pace };
      if (pace && !tooSlowIsTold) {
        tooSlowIsTold = true;
        const { streamId, broadcastId, epoch } = input;
        deps.log.warn({ streamId, broadcastId, epoch, ...pace }, 'the encoder is too slow, and there is no rendition to drop');
        deps.tellHealth(run, tooSlowHealth(input, pace));
      }
      if (!slateIsReady && run.mediaSeconds > SLATE_AFTER_SECONDS) {
        slateIsReady = true;
        void prepareSlate(deps, input);
      }
    }
    await delay(EncoderWatch.INTERVAL_MS, undefined, { signal }).catch(() => undefined);
  }
  return null;
}
