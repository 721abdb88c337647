import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import type { DestinationTargets } from '../domain/contracts/destinations.js';
import { parseDestinationUrl } from '../domain/destination-url.js';
import type { RestreamEnd } from '../domain/destination.js';
import { HoldfastError, type ErrorCode } from '../domain/errors.js';
import { classifyEnd } from '../domain/restream-outcome.js';
import { restreamGoesOn } from '../domain/restream-plan.js';
import type { SourceLayout } from '../domain/source.js';
import { endProcess } from '../media/process/ffmpeg-process.js';
import { isRunning } from '../media/process/process-identity.js';
import { restreamAddress } from '../media/restream/restream-address.js';
import { readRestreamLog } from '../media/restream/restream-log.js';
import { startRestream, type RestreamProcessDeps } from '../media/restream/restream-process.js';
import { readProgress } from '../media/restream/restream-progress.js';
import { restreamFileId, type RestreamKey, type RestreamRecord } from '../media/restream/restream-registry.js';
import { RestreamWatch } from '../media/restream/restream-watch.js';
import { cancellableDelay } from './cancellable-delay.js';
import { whileHeartbeating } from './heartbeat.js';
import { RestreamStops, type EndReader } from './restream-stops.js';

export interface RestreamDeps extends RestreamProcessDeps {
  targets: DestinationTargets;
  endReader: EndReader;
}

export interface RestreamInput extends RestreamKey {
  streamId: string;
  /** Numbers the connections of this restream; the same number adopts, a greater one replaces. */
  attempt: number;
  source: SourceLayout;
}

/** What an operator sees under "Pending Activities", and what tells an attempt from its predecessor. */
export interface RestreamProgress {
  pid: number;
  startedAt: string;
  attempt: number;
  bytesSent: number;
  mediaSeconds: number;
}

/** One connection of a restream. */
export type RestreamAttempt = Pick<RestreamInput, 'broadcastId' | 'destinationId' | 'attempt'>;

/** How often the process is looked at, and what it has sent is read: a refused key must be told within moments. */
const CONNECTING_INTERVALS = { watchMs: 250, readMs: 250 };
/** The same once it is live; each look costs CPU, for as many destinations as there are. */
const LIVE_INTERVALS = { watchMs: 500, readMs: 3000 };
/** How often the API's figure is renewed. */
const REPORT_INTERVAL_MS = 5000;
const LIVE_POLL_MS = 100;
/** A platform that takes nothing takes no farewell either. */
const WEDGED_GRACE_MS = 1000;

/** Ends that are told as such; anything else thrown is a fault of ours or a dependency that is away. */
const END_CODES: readonly ErrorCode[] = ['destination_url_invalid', 'destination_address_forbidden', 'destination_unreachable'];

/** What the restream workflow calls on the media host. */
export function createRestreamActivities(deps: RestreamDeps) {
  const { restreams, targets, log } = deps;
  const stops = new RestreamStops(restreams, deps.endReader, log);

  return {
    /**
     * Runs one connection to a destination until it ends, or adopts the one an earlier run of this attempt started.
     * Resolves for every end that the platform, the network or the user causes. The connection is ended only when the
     * workflow cancels: a worker that shuts down leaves it to the next run.
     */
    async restream(input: RestreamInput): Promise<RestreamEnd> {
      const record = await whileHeartbeating(() => adoptOrStart(input));
      if ('code' in record) return ended(input, record);
      if (!isRunning(record.process)) return ended(input, await afterEnd(record));
      try {
        return ended(input, await watch(record));
      } catch (error) {
        if (error instanceof CancelledFailure && Context.current().cancellationDetails?.cancelRequested) await stops.stop(input);
        throw error;
      }
    },

    /** Returns when media has really left for the platform. Fails for good once that connection has ended. */
    async awaitRestreamLive(attempt: RestreamAttempt): Promise<void> {
      const context = Context.current();
      let seen = false;
      for (;;) {
        const record = await restreams.of(attempt);
        if (record?.attempt === attempt.attempt && record.live) return;
        const isOver = record ? record.attempt > attempt.attempt : seen;
        if (isOver) throw ApplicationFailure.nonRetryable('The connection ended before it was live.', 'destination_lost');
        seen ||= record?.attempt === attempt.attempt;
        context.heartbeat();
        await cancellableDelay(LIVE_POLL_MS);
      }
    },

    /** Whether the present connection goes on now that the source is another; without one there is nothing to begin anew. */
    async checkRestreamFormat({ source, ...key }: RestreamKey & { source: SourceLayout }): Promise<{ goesOn: boolean }> {
      const record = await restreams.of(key);
      return { goesOn: record === null || restreamGoesOn(record.format, source) };
    },

    /**
     * Closes the connection politely; `forced`: it had to be cut. Nothing there: not forced.
     * With `attempt` only that connection or an older one.
     */
    async stopRestream({ attempt = Infinity, ...restream }: RestreamKey & { attempt?: number }): Promise<{ forced: boolean }> {
      const record = await restreams.of(restream);
      return record && record.attempt > attempt ? { forced: false } : stops.stop(restream);
    },
  };

  function ended({ streamId, broadcastId, destinationId, attempt }: RestreamInput, end: RestreamEnd): RestreamEnd {
    log.info({ streamId, broadcastId, destinationId, attempt, ...end }, 'restream ended');
    return end;
  }

  /** The connection of this attempt, running or not; or why there is none. */
  async function adoptOrStart(input: RestreamInput): Promise<RestreamRecord | RestreamEnd> {
    const known = await restreams.of(input);
    if (known?.attempt === input.attempt) {
      const { broadcastId, destinationId, attempt } = input;
      log.info({ broadcastId, destinationId, attempt, pid: known.process.pid }, 'restream adopted');
      return known;
    }
    if (known && known.attempt > input.attempt) throw new HoldfastError('stale_epoch');
    if (known) await stops.stop(input);
    const target = await targets.resolve(input.destinationId);
    if (!target) return { code: 'stopped', detail: 'The destination was deleted.', wasLive: false, bytesSent: 0 };
    try {
      return await startRestream(deps, { ...input, target });
    } catch (error) {
      if (!(error instanceof HoldfastError) || !END_CODES.includes(error.code)) throw error;
      return { code: error.code as RestreamEnd['code'], detail: error.message, wasLive: false, bytesSent: 0 };
    }
  }

  async function watch(record: RestreamRecord): Promise<RestreamEnd> {
    const context = Context.current();
    const programmePort = Number(new URL(deps.programmeUrl('-', null, '-')).port);
    const connection = new RestreamWatch(record, programmePort);
    let readAt = 0;
    let reportedAt = Date.now();
    for (;;) {
      const { watchMs, readMs } = record.live ? LIVE_INTERVALS : CONNECTING_INTERVALS;
      if (!isRunning(record.process)) return afterEnd(record);
      if (Date.now() - readAt >= readMs) {
        readAt = Date.now();
        const { verdict, bytesSent, mediaSeconds } = connection.read();
        if (verdict === 'live' && !record.live) await goLive(record);
        if (verdict === 'unreachable' || verdict === 'wedged') return cut(record, verdict, bytesSent);
        const { process, attempt } = record;
        const progress: RestreamProgress = { pid: process.pid, startedAt: process.startedAt, attempt, bytesSent, mediaSeconds };
        context.heartbeat(progress);
        if (record.live && Date.now() - reportedAt >= REPORT_INTERVAL_MS) {
          reportedAt = Date.now();
          report(record, bytesSent);
        }
      }
      await cancellableDelay(watchMs);
    }
  }

  async function goLive(record: RestreamRecord): Promise<void> {
    record.live = true;
    const stored = await restreams.of(record);
    if (stored?.attempt === record.attempt && !stored.stopping) await restreams.write({ ...stored, live: true });
    log.info({ destinationId: record.destinationId, attempt: record.attempt, pid: record.process.pid }, 'restream live');
  }

  /** Best effort: Postgres away ends no restream, and the next report overtakes a lost one. */
  function report({ destinationId }: RestreamRecord, bytesSent: number): void {
    targets.reportProgress(destinationId, bytesSent).catch((error: unknown) => {
      log.debug({ err: error, destinationId }, 'progress of a restream not stored');
    });
  }

  async function cut(record: RestreamRecord, verdict: 'unreachable' | 'wedged', bytesSent: number): Promise<RestreamEnd> {
    await endProcess(record.process, WEDGED_GRACE_MS);
    await forget(record);
    const wasLive = record.live;
    return verdict === 'wedged'
      ? { code: 'destination_wedged', detail: 'The platform took no more data, so the connection was cut.', wasLive, bytesSent }
      : {
          code: 'destination_unreachable',
          detail: 'The platform did not accept the stream in time. It may be overloaded.',
          wasLive,
          bytesSent,
        };
  }

  /** Of a connection that ended by itself, or was stopped. */
  async function afterEnd(record: RestreamRecord): Promise<RestreamEnd> {
    const bytesSent = readProgress(record.progressPath)?.bytes ?? 0;
    const stored = await restreams.of(record);
    const isStopped = stored?.attempt !== record.attempt || stored.stopping;
    const wasLive = record.live;
    if (isStopped) return { code: 'stopped', detail: '', wasLive, bytesSent };
    const lines = await readRestreamLog(record.logPath, record.logOffset, await secretsOf(record.destinationId));
    await forget(record);
    report(record, bytesSent);
    return { ...classifyEnd({ log: lines, wasLive }), wasLive, bytesSent };
  }

  async function forget(record: RestreamRecord): Promise<void> {
    if ((await restreams.of(record))?.attempt === record.attempt) await restreams.remove(restreamFileId(record));
  }

  /** null when they cannot be known now. */
  async function secretsOf(destinationId: string): Promise<string[] | null> {
    try {
      const target = await targets.resolve(destinationId);
      return target && restreamAddress(parseDestinationUrl(target.url, target.streamKey), null).secrets;
    } catch {
      return null;
    }
  }
}

export type RestreamActivities = ReturnType<typeof createRestreamActivities>;
