import type { StreamHealth } from '../../domain/contracts/stream-health.js';
import type { TranscodeInput, TranscodeResult } from '../../domain/contracts/transcode.js';
import { HoldfastError } from '../../domain/errors.js';
import { PASSTHROUGH_OBSTACLES, type PassthroughObstacle } from '../../domain/passthrough.js';
import { Mailboxes } from '../host/mailboxes.js';
import { HostedRuns } from '../host/hosted-runs.js';
import type { HostedProcess } from '../host/leftovers.js';
import { untilTaken } from '../host/until-taken.js';
import { Waiters } from '../host/waiters.js';
import { endProcess, logTail, stopFfmpeg } from '../process/ffmpeg-process.js';
import { isRunning } from '../process/process-identity.js';
import { awaitPicture } from './await-picture.js';
import { obstacleTo } from './encoder-plan.js';
import type { EncoderRecord } from './encoder-registry.js';
import { EncoderRun } from './encoder-run.js';
import { EncoderStops } from './encoder-stops.js';
import { startEncoder, type StartEncoderDeps } from './start-encoder.js';
import { watchEncoder, type SeenEnd } from './watch-encoder.js';

/** One encoder of a broadcast. */
export interface EncoderKey {
  broadcastId: string;
  epoch: number;
}

export interface EncoderHostDeps extends StartEncoderDeps {
  /** Each resolves when the stream's workflow has it, or is gone. */
  tell: {
    playable(streamId: string, encoder: EncoderKey & { playable?: boolean }): Promise<void>;
    health(streamId: string, health: StreamHealth): Promise<void>;
  };
}

/** An encoder that gives nothing any more has nothing to finish; viewers wait for the next one. */
const WEDGED_GRACE_MS = 200;
/** One that is too slow would take as long for what it has in hand as viewers have waited already. */
const TOO_SLOW_GRACE_MS = 1000;
/**
 * The encoders of this media host, and the only one who starts, watches and ends them. What is asked of one broadcast is done
 * in turn, so a start, a stop and an end never meet; a record is removed by the end of its own encoder alone. An encoder is
 * watched from its start, or from the start of the worker that finds it, whether anybody waits for it or not; an end that
 * nobody hears is kept until somebody asks for it, or a later epoch takes its place.
 */
export class EncoderHost {
  readonly #deps: EncoderHostDeps;
  readonly #runs = new HostedRuns<EncoderRun>();
  readonly #mail = new Mailboxes();
  readonly #stops = new EncoderStops();
  readonly #waiters = new Waiters();

  constructor(deps: EncoderHostDeps) {
    this.#deps = deps;
  }

  /** Goes on with what an earlier worker has started; to be called before anything else. */
  async resume(): Promise<void> {
    for (const record of await this.#deps.registry.list()) {
      // Without its input nothing is known of it before somebody attaches.
      if (!record.input) continue;
      const run = new EncoderRun(record.input, record);
      this.#runs.set(record.broadcastId, run);
      const { broadcastId, epoch, process } = record;
      this.#deps.log.info({ broadcastId, epoch, pid: process.pid }, 'encoder adopted');
      void this.#lookAfter(run, record);
    }
  }

  /** Leaves every encoder running, for the next worker. */
  close(): void {
    this.#runs.leave();
  }

  /**
   * Starts the encoder of this epoch, or adopts the one that runs (or has ended) by this number. Call `detach` of what it
   * returns when the end is no longer waited for: the encoder runs on.
   *
   * @throws HoldfastError `stale_epoch` when a later one has its place
   */
  attach(input: TranscodeInput): EncoderRun {
    const { broadcastId, epoch } = input;
    const known = this.#runs.get(broadcastId);
    const run = known?.epoch === epoch ? known : this.#begin(input, known);
    run.input = input;
    run.attach();
    if (run.isOver) void this.#forget(run);
    else if (run.isPlayable) this.#announce(run);
    return run;
  }

  /** Ends this encoder and any before it, wherever they stand; also one that is yet to be asked for. */
  async stop({ broadcastId, epoch }: EncoderKey): Promise<void> {
    this.#stops.ask(broadcastId, epoch);
    const run = this.#runs.get(broadcastId);
    await this.#end({ broadcastId, epoch }, run && run.epoch <= epoch ? run : null);
  }

  /**
   * Resolves when viewers can play this encoder, or a later one; also of one that is yet to be started.
   *
   * @throws HoldfastError `broadcast_ended`
   */
  awaitPlayable({ broadcastId, epoch }: EncoderKey, signal: AbortSignal): Promise<void> {
    const run = this.#runs.get(broadcastId);
    if (run?.isPlayable && run.epoch >= epoch) return Promise.resolve();
    return this.#waiters.wait(broadcastId, epoch, signal);
  }

  /** Everything here that runs, or whose end nobody has heard. */
  list(): HostedProcess[] {
    return this.#runs.present.map(({ input: { streamId }, broadcastId, epoch, detachedMs }) => ({
      kind: 'encoder',
      streamId,
      broadcastId,
      epoch,
      detachedMs,
    }));
  }

  #begin(input: TranscodeInput, before: EncoderRun | undefined): EncoderRun {
    const { broadcastId, epoch } = input;
    const run = new EncoderRun(input);
    if (this.#stops.isAsked(broadcastId, epoch)) {
      run.finish(STOPPED);
      return run;
    }
    if (before && before.epoch > epoch) throw new HoldfastError('stale_epoch');
    this.#runs.set(broadcastId, run);
    if (before) void this.#end({ broadcastId, epoch: before.epoch }, before).catch((error: unknown) => this.#complain(before, error));
    void this.#start(run);
    return run;
  }

  async #start(run: EncoderRun): Promise<void> {
    try {
      const record = await this.#mail.post(run.broadcastId, () => this.#adoptOrStart(run));
      if (record) await this.#lookAfter(run, record);
      else if (!run.isOver) run.finish({ reason: 'source_gone', detail: '', mediaSeconds: 0 });
    } catch (error) {
      // Its stop comes next, and says how it ended.
      if (run.unwanted.aborted) return;
      this.#runs.drop(run.broadcastId, run);
      run.fail(error);
    }
  }

  /** null: there is no slate, or no need any more. */
  async #adoptOrStart(run: EncoderRun): Promise<EncoderRecord | null> {
    const { registry, log } = this.#deps;
    const { broadcastId, epoch } = run;
    run.unwanted.throwIfAborted();
    const known = await registry.read(broadcastId);
    if (known && known.epoch > epoch) throw new HoldfastError('stale_epoch');
    if (known?.epoch === epoch) {
      log.info({ broadcastId, epoch, pid: known.process.pid }, 'encoder adopted');
      run.record = known;
      return known;
    }
    if (known) await stopFfmpeg(known.process);
    run.record = await startEncoder(this.#deps, run.input, run.unwanted);
    return run.record;
  }

  /** Until it ends, or this worker does. */
  async #lookAfter(run: EncoderRun, record: EncoderRecord): Promise<void> {
    if (isRunning(record.process)) void this.#awaitPicture(run);
    const deps = {
      ...this.#deps,
      tellHealth: (of: EncoderRun, health: StreamHealth) => this.#tellHealth(of, health),
      tellDry: (of: EncoderRun, isDry: boolean) => {
        of.isDry = isDry;
        if (of.isPlayable) this.#announce(of);
      },
    };
    try {
      const seen = await watchEncoder(deps, run, record, run.unwatched);
      if (seen) await this.#mail.post(run.broadcastId, () => this.#conclude(run, record, seen));
    } catch (error) {
      this.#complain(run, error);
      this.#runs.drop(run.broadcastId, run);
      run.fail(error);
    }
  }

  /** It has ended by itself, or has to be ended; a stop that came first has said so. */
  async #conclude(run: EncoderRun, record: EncoderRecord, { verdict: seen, pace }: SeenEnd): Promise<void> {
    if (run.isOver) return;
    const obstacle = seen === 'crashed' && record.copies ? await obstacleTo(this.#deps, run.input) : null;
    if (seen === 'stalled') await endProcess(record.process, WEDGED_GRACE_MS);
    else if (seen === 'too_slow') await endProcess(record.process, TOO_SLOW_GRACE_MS);
    else await stopFfmpeg(record.process);
    const reason = obstacle ? 'passthrough_over' : seen;
    const detail = await this.#detailOf(record, reason, obstacle);
    this.#finish(run, { reason, detail, mediaSeconds: run.mediaSeconds, ...(pace ? { pace } : {}) });
    if (run.isHeard) await this.#forget(run);
  }

  async #detailOf({ logPath }: EncoderRecord, reason: TranscodeResult['reason'], obstacle: PassthroughObstacle | null): Promise<string> {
    if (obstacle) return `The source is no longer copied but encoded: ${PASSTHROUGH_OBSTACLES[obstacle]}.`;
    return reason === 'source_gone' ? '' : logTail(logPath);
  }

  /** Ends what is written down up to this epoch, and says so of its run. */
  #end({ broadcastId, epoch }: EncoderKey, run: EncoderRun | null): Promise<void> {
    const { registry, log } = this.#deps;
    run?.abandon();
    return this.#mail.post(broadcastId, async () => {
      const record = await registry.read(broadcastId);
      if (record && record.epoch <= epoch) {
        await stopFfmpeg(record.process);
        await registry.forget(record);
        log.info({ broadcastId, epoch: record.epoch, pid: record.process.pid }, 'encoder stopped');
      }
      if (!run) return;
      if (!run.isOver) this.#finish(run, { ...STOPPED, mediaSeconds: run.mediaSeconds });
      this.#runs.dropLater(run.broadcastId, run);
    });
  }

  #finish(run: EncoderRun, end: TranscodeResult): void {
    const { streamId } = run.input;
    this.#deps.log.info({ streamId, broadcastId: run.broadcastId, epoch: run.epoch, ...end }, 'encoder ended');
    run.finish(end);
  }

  /** Its end is heard: the next worker need not tell it. */
  async #forget(run: EncoderRun): Promise<void> {
    this.#runs.dropLater(run.broadcastId, run);
    try {
      if (run.record) await this.#deps.registry.forget(run.record);
    } catch (error) {
      this.#complain(run, error);
    }
  }

  async #awaitPicture(run: EncoderRun): Promise<void> {
    const seen = await awaitPicture(this.#deps.origin, run);
    if (seen === 'ended') this.#waiters.fail(run.broadcastId, run.epoch, new HoldfastError('broadcast_ended'));
    if (seen !== 'playable') return;
    run.isPlayable = true;
    this.#waiters.release(run.broadcastId, run.epoch);
    this.#announce(run);
  }

  #announce(run: EncoderRun): void {
    const { tell, log } = this.#deps;
    const { broadcastId, epoch } = run;
    const { streamId } = run.input;
    const news = run.isDry ? { playable: false } : {};
    const what = { streamId, broadcastId, epoch, news: run.isDry ? 'nothing new comes' : 'playable' };
    run.told = run.told.then(() =>
      untilTaken(() => tell.playable(streamId, { broadcastId, epoch, ...news }), { signal: run.unwatched, what, log }),
    );
  }

  #tellHealth(run: EncoderRun, health: StreamHealth): void {
    const { tell, log } = this.#deps;
    const { streamId } = run.input;
    const what = { streamId, broadcastId: run.broadcastId, news: health.problem };
    void untilTaken(() => tell.health(streamId, health), { signal: run.unwatched, what, log });
  }

  #complain({ broadcastId, epoch }: EncoderRun, error: unknown): void {
    this.#deps.log.error({ err: error, broadcastId, epoch }, 'an encoder could not be looked after');
  }
}

const STOPPED: TranscodeResult = { reason: 'stopped', detail: '', mediaSeconds: 0 };
