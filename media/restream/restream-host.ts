import type { RestreamConnection, RestreamInput, RestreamKey } from '../../domain/contracts/restream.js';
import type { DestinationTargets } from '../../domain/contracts/destinations.js';
import type { RestreamEnd } from '../../domain/destination.js';
import { HoldfastError } from '../../domain/errors.js';
import { restreamGoesOn } from '../../domain/restream-plan.js';
import type { SourceLayout } from '../../domain/source.js';
import { HostedRuns } from '../host/hosted-runs.js';
import type { HostedProcess } from '../host/leftovers.js';
import { Mailboxes } from '../host/mailboxes.js';
import { orAborted } from '../host/or-aborted.js';
import { untilTaken } from '../host/until-taken.js';
import { Waiters } from '../host/waiters.js';
import { endProcess } from '../process/ffmpeg-process.js';
import { closeRestream, type CloseRestreamDeps, type StoppedRestream } from './close-restream.js';
import { cutEnd, deletedEnd, describeEnd, limitEnd, refusedStart, stoppedEnd } from './restream-end.js';
import { startRestream, type RestreamProcessDeps } from './restream-process.js';
import { readProgress } from './restream-progress.js';
import { restreamFileId, type RestreamRecord } from './restream-registry.js';
import { RestreamRun } from './restream-run.js';
import { watchRestream, type SeenRestreamEnd } from './watch-restream.js';

export interface RestreamHostDeps extends RestreamProcessDeps, CloseRestreamDeps {
  targets: DestinationTargets;
  /** Connections at once. */
  maxRestreams: number;
  tell: {
    /** Resolves when the restream's workflow has it, or is gone. */
    live(connection: RestreamConnection): Promise<void>;
  };
}

/** A platform that takes nothing takes no farewell either. */
const WEDGED_GRACE_MS = 1000;
/**
 * The restreams of this media host, and the only one who starts, watches and ends their connections; as EncoderHost for
 * encoders: in turn for each destination, watched whether anybody waits or not, and an end is kept until it is heard.
 */
export class RestreamHost {
  readonly #deps: RestreamHostDeps;
  readonly #runs = new HostedRuns<RestreamRun>();
  readonly #mail = new Mailboxes();
  readonly #waiters = new Waiters();
  /** How the last stop went: it is asked for twice, by cancelling and by command, and the later one hears of the first. */
  readonly #stopped = new Map<string, StoppedRestream>();

  constructor(deps: RestreamHostDeps) {
    this.#deps = deps;
  }

  /** Goes on with what an earlier worker has started; to be called before anything else. */
  async resume(): Promise<void> {
    for (const record of await this.#deps.restreams.list()) {
      const { streamId = '', broadcastId, destinationId, attempt, format } = record;
      const run = new RestreamRun({ streamId, broadcastId, destinationId, attempt, source: format.source }, record);
      this.#runs.set(restreamFileId(record), run);
      this.#deps.log.info({ broadcastId, destinationId, attempt, pid: record.process.pid }, 'restream adopted');
      void this.#lookAfter(run, record);
      if (record.live) this.#announce(run);
    }
  }

  /** Leaves every connection as it is, for the next worker. */
  close(): void {
    this.#runs.leave();
  }

  /**
   * Starts this connection, or adopts the one that runs (or has ended) by its number. Call `detach` of what it returns when the
   * end is no longer waited for: the connection stays.
   *
   * @throws HoldfastError `stale_epoch` when a later one has its place
   */
  attach(input: RestreamInput): RestreamRun {
    const known = this.#runs.get(restreamFileId(input));
    const run = known?.attempt === input.attempt ? known : this.#begin(input, known);
    run.attach();
    if (run.isOver) void this.#forget(run);
    else if (run.isLive) this.#announce(run);
    return run;
  }

  /**
   * Closes the connection politely if the platform lets it. Nothing there: not forced.
   *
   * @param attempt this connection or an older one; a later one is left alone
   */
  stop(key: RestreamKey, attempt = Infinity): Promise<StoppedRestream> {
    const run = this.#runs.get(restreamFileId(key));
    return this.#end(key, attempt, run && run.attempt <= attempt ? run : null);
  }

  /**
   * Resolves when media has really left over this connection, also one that is yet to be started.
   *
   * @throws HoldfastError `destination_lost` when it has ended before, or a later one has its place
   */
  awaitLive({ attempt, ...key }: RestreamConnection, signal: AbortSignal): Promise<void> {
    const id = restreamFileId(key);
    const run = this.#runs.get(id);
    if (run && (run.attempt > attempt || (run.attempt === attempt && run.isOver))) return Promise.reject(notLive());
    if (run?.attempt === attempt && run.isLive) return Promise.resolve();
    return this.#waiters.wait(id, attempt, signal);
  }

  /** Whether the present connection goes on now that the source is another; without one there is nothing to begin anew. */
  goesOn(key: RestreamKey, source: SourceLayout): Promise<boolean> {
    const id = restreamFileId(key);
    return this.#mail.post(id, async () => {
      const run = this.#runs.get(id);
      return !run?.record || run.isOver || restreamGoesOn(run.record.format, source);
    });
  }

  /** Everything here that runs, or whose end nobody has heard. */
  list(): HostedProcess[] {
    return this.#runs.present
      .filter((run) => run.input.streamId !== '')
      .map(({ input: { streamId, broadcastId, destinationId }, attempt, detachedMs }) => ({
        kind: 'restream',
        streamId,
        broadcastId,
        destinationId,
        epoch: attempt,
        detachedMs,
      }));
  }

  #begin(input: RestreamInput, before: RestreamRun | undefined): RestreamRun {
    if (before && before.attempt > input.attempt) throw new HoldfastError('stale_epoch');
    const run = new RestreamRun(input);
    this.#runs.set(restreamFileId(input), run);
    if (before) void this.#end(input, before.attempt, before).catch((error: unknown) => this.#complain(before, error));
    const open = this.#runs.present.filter(({ isOver, unwanted }) => !isOver && !unwanted.aborted);
    if (open.length > this.#deps.maxRestreams) this.#finish(run, limitEnd());
    else void this.#start(run);
    return run;
  }

  async #start(run: RestreamRun): Promise<void> {
    try {
      const record = await this.#mail.post(restreamFileId(run.input), () => this.#adoptOrStart(run));
      if (record) await this.#lookAfter(run, record);
      else this.#finish(run, deletedEnd());
    } catch (error) {
      // Its stop comes next, and says how it ended.
      if (run.unwanted.aborted) return;
      const end = refusedStart(error);
      if (end) return this.#finish(run, end);
      this.#runs.drop(restreamFileId(run.input), run);
      run.fail(error);
    }
  }

  /** null: the destination was deleted. */
  async #adoptOrStart(run: RestreamRun): Promise<RestreamRecord | null> {
    const { targets, restreams } = this.#deps;
    const { input, unwanted } = run;
    unwanted.throwIfAborted();
    const known = await restreams.of(input);
    if (known && known.attempt >= input.attempt) throw new HoldfastError('stale_epoch');
    this.#stopped.delete(restreamFileId(input));
    const target = await orAborted(targets.resolve(input.destinationId), unwanted);
    if (!target) return null;
    run.record = await startRestream(this.#deps, { ...input, target }, unwanted);
    return run.record;
  }

  /** Until it ends, or this worker does. */
  async #lookAfter(run: RestreamRun, record: RestreamRecord): Promise<void> {
    const programmePort = Number(new URL(this.#deps.programmeUrl('-', null, '-')).port);
    const onLive = (): Promise<void> => this.#goLive(run, record);
    const report = (): void => this.#report(run);
    try {
      const seen = await watchRestream({ programmePort, onLive, report }, run, record, run.unwatched);
      if (seen) await this.#mail.post(restreamFileId(run.input), () => this.#conclude(run, record, seen));
    } catch (error) {
      this.#complain(run, error);
      this.#runs.drop(restreamFileId(run.input), run);
      run.fail(error);
    }
  }

  async #goLive(run: RestreamRun, record: RestreamRecord): Promise<void> {
    record.live = true;
    await this.#mail.post(restreamFileId(record), async () => {
      if (!run.isOver && !record.stopping) await this.#deps.restreams.write(record);
    });
    const { destinationId, attempt, process } = record;
    this.#deps.log.info({ destinationId, attempt, pid: process.pid }, 'restream live');
    if (run.isOver) return;
    this.#waiters.release(restreamFileId(record), attempt);
    this.#announce(run);
  }

  /** It has ended by itself, or has to be cut; a stop that came first has said so. */
  async #conclude(run: RestreamRun, record: RestreamRecord, seen: SeenRestreamEnd): Promise<void> {
    if (run.isOver) return;
    run.bytesSent = readProgress(record.progressPath)?.bytes ?? run.bytesSent;
    const { bytesSent } = run;
    if (seen !== 'ended') await endProcess(record.process, WEDGED_GRACE_MS);
    this.#finish(run, seen === 'ended' ? await this.#endOf(record, bytesSent) : cutEnd(seen, record.live, bytesSent));
    this.#report(run);
    if (run.isHeard) await this.#forget(run);
  }

  /** A worker that was told to stop it may have been gone before it could say so. */
  async #endOf(record: RestreamRecord, bytesSent: number): Promise<RestreamEnd> {
    return record.stopping ? stoppedEnd(record.live, bytesSent) : describeEnd(this.#deps.targets, record, bytesSent);
  }

  /** Closes what is written down up to this number, and says so of its run. */
  #end(key: RestreamKey, attempt: number, run: RestreamRun | null): Promise<StoppedRestream> {
    const { restreams } = this.#deps;
    const id = restreamFileId(key);
    run?.abandon();
    return this.#mail.post(id, async () => {
      const record = await restreams.of(key);
      if (record && record.attempt <= attempt) {
        this.#stopped.set(id, await closeRestream(this.#deps, run?.record ?? record));
        if (run) run.bytesSent = readProgress(record.progressPath)?.bytes ?? run.bytesSent;
        await restreams.forget(record);
      }
      if (run) {
        if (!run.isOver) this.#finish(run, stoppedEnd(run.isLive, run.bytesSent));
        this.#runs.dropLater(id, run);
      }
      return this.#stopped.get(id) ?? { forced: false };
    });
  }

  #finish(run: RestreamRun, end: RestreamEnd): void {
    const { streamId, broadcastId, destinationId, attempt } = run.input;
    this.#deps.log.info({ streamId, broadcastId, destinationId, attempt, ...end }, 'restream ended');
    run.finish(end);
    this.#waiters.fail(restreamFileId(run.input), attempt, notLive());
  }

  /** Its end is heard: the next worker need not tell it. */
  async #forget(run: RestreamRun): Promise<void> {
    this.#runs.dropLater(restreamFileId(run.input), run);
    try {
      if (run.record) await this.#deps.restreams.forget(run.record);
    } catch (error) {
      this.#complain(run, error);
    }
  }

  /** Best effort: Postgres away ends no restream, and the next report overtakes a lost one. */
  #report({ input: { destinationId }, bytesSent }: RestreamRun): void {
    this.#deps.targets.reportProgress(destinationId, bytesSent).catch((error: unknown) => {
      this.#deps.log.debug({ err: error, destinationId }, 'progress of a restream not stored');
    });
  }

  #announce(run: RestreamRun): void {
    const { tell, log } = this.#deps;
    const { broadcastId, destinationId, attempt } = run.input;
    const connection = { broadcastId, destinationId, attempt };
    void untilTaken(() => tell.live(connection), { signal: run.unwatched, what: { ...connection, news: 'live' }, log });
  }

  #complain({ input: { broadcastId, destinationId }, attempt }: RestreamRun, error: unknown): void {
    this.#deps.log.error({ err: error, broadcastId, destinationId, attempt }, 'a restream could not be looked after');
  }
}

const notLive = (): HoldfastError => new HoldfastError('destination_lost', 'The connection ended before it was live.');
