import { Context } from '@temporalio/activity';
import type { MediaStart, PublisherStatus, RelayReader } from '../domain/contracts/ingest-control.js';
import type { BroadcastStatus } from '../domain/contracts/origin-control.js';
import type { StreamHealth } from '../domain/contracts/stream-health.js';
import { HoldfastError } from '../domain/errors.js';
import type { TooSlow } from '../domain/encoder-pace.js';
import { expendableRendition, pickLadder } from '../domain/ladder.js';
import { judgeEncoder, type EncoderReading, type EncoderVerdict } from '../domain/liveness.js';
import { StoreHealth } from '../domain/store-health.js';
import { PASSTHROUGH_OBSTACLES, type PassthroughObstacle } from '../domain/passthrough.js';
import type { SourceLayout } from '../domain/source.js';
import type { StreamSettings } from '../domain/stream.js';
import type { Logger } from '../platform/log/logger.js';
import type { IngestClient, OriginClient } from '../media/control-client.js';
import { logTail, endProcess, spawnFfmpeg, stopFfmpeg } from '../media/process/ffmpeg-process.js';
import type { EncoderRecord, EncoderRegistry } from '../media/encoder/encoder-registry.js';
import { ladderArguments } from '../media/ffmpeg/ladder-command.js';
import type { VideoEncoderChoice } from '../media/ffmpeg/video-encoder.js';
import { findByArgument, isRunning } from '../media/process/process-identity.js';
import { cancellableDelay } from './cancellable-delay.js';
import type { EncoderStops } from '../media/encoder/encoder-stops.js';
import { tellStore, tellTooSlow } from './encoder-health.js';
import { EncoderWatch } from './encoder-watch.js';
import { whileHeartbeating } from './heartbeat.js';
import { obstacleTo, planOf } from './passthrough.js';
import { ensureSlate } from '../media/slate/slate.js';

export interface TranscodeDeps {
  origin: OriginClient;
  ingest: IngestClient;
  registry: EncoderRegistry;
  ffmpegPath: string;
  encoder: VideoEncoderChoice;
  /** See maxPixelsOf. */
  maxPixels: number;
  /** Where slates are kept; the ingest reads them from there. */
  slatesDir: string;
  /** Path of one encoder's log. */
  logPath: (broadcastId: string, epoch: number) => string;
  /** Puts something into the stream's timeline; called within the activity. */
  tellHealth: (streamId: string, health: StreamHealth) => Promise<void>;
  log: Logger;
}

export interface TranscodeInput {
  streamId: string;
  broadcastId: string;
  publishId: string;
  /** Numbers the encoders of a broadcast; the origin refuses an older one than it has seen. */
  epoch: number;
  source: SourceLayout;
  settings: StreamSettings;
  /** The encoder of the same publisher before this one, and how far it came: what it has shown is not shown again. */
  after: { epoch: number; mediaSeconds: number } | null;
  /**
   * Reads the stream's programme instead of one publisher: the slate while nobody publishes, then whoever is back.
   * `publishId` is the one who left.
   */
  programme: boolean;
  /** Numbers of segments begin here at least: another host had the broadcast before. */
  fromSequence?: number;
  /** Renditions of the ladder that this host has been too slow for. */
  without?: string[];
}

export interface TranscodeResult {
  /**
   * `stopped`: ended on purpose, by stopTranscode. `too_slow`: ended by this activity, to be started with a rendition less.
   * `passthrough_over`: the source's picture can no longer be copied; the next encoder goes on where this one has ended.
   */
  reason: Exclude<EncoderVerdict, 'healthy'> | 'stopped' | 'too_slow' | 'passthrough_over';
  /** The encoder's last lines, for a failure. */
  detail: string;
  mediaSeconds: number;
  /** Of `too_slow`. */
  pace?: TooSlow;
}

/** What an operator sees under "Pending Activities", and what tells an attempt from its predecessor. */
export interface TranscodeProgress {
  pid: number;
  startedAt: string;
  epoch: number;
  mediaSeconds: number;
}

/** An encoder that gives nothing any more has nothing to finish; viewers wait for the next one. */
const WEDGED_GRACE_MS = 200;
/** One that is too slow would take as long for what it has in hand as viewers have waited already. */
const TOO_SLOW_GRACE_MS = 1000;
/** Between questions to an origin that is being started again: viewers wait for it. */
const ORIGIN_RETRY_MS = 100;
/** After this the attempt fails, so that an operator sees why nothing starts. */
const ORIGIN_PATIENCE_MS = 20_000;

/**
 * Runs one encoder epoch of a broadcast on this media host: starts ffmpeg, or adopts the one an earlier attempt
 * started, and watches it until it ends. Cancelling the activity leaves the encoder running, for the next attempt or for the
 * workflow's next run: `stopTranscode` ends it.
 */
export async function transcode(deps: TranscodeDeps & { stops: EncoderStops }, input: TranscodeInput): Promise<TranscodeResult> {
  const record = await whileHeartbeating(() => adoptOrStart(deps, input));
  if (record === 'no slate') return { reason: 'source_gone', detail: '', mediaSeconds: 0 };
  // Its stop may have been asked for before there was anything to stop.
  if (record && deps.stops.isAsked(input.broadcastId, input.epoch)) {
    await stopFfmpeg(record.process);
    await deps.registry.remove(input.broadcastId);
    return ended(deps, input, 'stopped', 0);
  }
  if (!record) return ended(deps, input, await verdictOnDead(deps, input), (await receivedSeconds(deps, input)) ?? 0);
  const { verdict: seen, mediaSeconds, pace } = await watch(deps, input, record);
  const obstacle = seen === 'crashed' && record.copies ? await obstacleTo(deps, input) : null;
  const verdict = obstacle ? 'passthrough_over' : seen;
  if (verdict === 'stalled') await endProcess(record.process, WEDGED_GRACE_MS);
  else if (verdict === 'too_slow') await endProcess(record.process, TOO_SLOW_GRACE_MS);
  else if (seen !== 'crashed') await stopFfmpeg(record.process);
  await deps.registry.remove(input.broadcastId);
  return { ...(await ended(deps, input, verdict, mediaSeconds, obstacle)), ...(pace ? { pace } : {}) };
}

/** Of an encoder that ended while nobody watched: its own fault, or had its publisher left? */
async function verdictOnDead(deps: TranscodeDeps, input: TranscodeInput): Promise<TranscodeResult['reason']> {
  await deps.registry.remove(input.broadcastId);
  const publisher = publisherState(input, await publisherOf(deps, input));
  const verdict = judgeEncoder({ running: false, mediaSeconds: 0, stalledMs: 0, sendingMs: 0, originAnswers: false, publisher });
  return verdict === 'healthy' ? 'crashed' : verdict;
}

async function ended(
  { log, logPath }: TranscodeDeps,
  { streamId, broadcastId, epoch }: TranscodeInput,
  reason: TranscodeResult['reason'],
  mediaSeconds: number,
  obstacle: PassthroughObstacle | null = null,
): Promise<TranscodeResult> {
  const words = obstacle && `The source is no longer copied but encoded: ${PASSTHROUGH_OBSTACLES[obstacle]}.`;
  const detail = words ? words : reason === 'source_gone' || reason === 'stopped' ? '' : await logTail(logPath(broadcastId, epoch));
  log.info({ streamId, broadcastId, epoch, reason, mediaSeconds, detail }, 'encoder ended');
  return { reason, detail, mediaSeconds };
}

/** The encoder of this epoch, running; null when an earlier attempt started it and it has ended since. */
async function adoptOrStart(deps: TranscodeDeps, input: TranscodeInput): Promise<EncoderRecord | 'no slate' | null> {
  const known = await deps.registry.read(input.broadcastId);
  if (known?.epoch === input.epoch) {
    if (!isRunning(known.process)) return null;
    deps.log.info({ broadcastId: input.broadcastId, epoch: input.epoch, pid: known.process.pid }, 'encoder adopted');
    return known;
  }
  if (known && known.epoch > input.epoch) throw new HoldfastError('stale_epoch');
  if (known) await stopFfmpeg(known.process);
  return start(deps, input);
}

async function start(deps: TranscodeDeps, input: TranscodeInput): Promise<EncoderRecord | 'no slate'> {
  const { broadcastId, publishId, epoch, settings } = input;
  const { playbackId, latency, playbackPolicy, record: keep } = settings;
  const startedAt = performance.now();
  const plan = await planOf(deps, input);
  const copies = plan.renditions.some((rendition) => rendition.kind === 'video' && rendition.copied);
  const media = await mediaOf(deps, input, copies);
  if (!media) return 'no slate';
  const { inputUrl, resumeAt, receivedAt } = media;
  const { sockets } = await whenOriginAnswers(async () => {
    await deps.origin.open(broadcastId, { playbackId, streamId: input.streamId, latency, playbackPolicy, keep });
    const numbers = input.fromSequence === undefined ? {} : { fromSequence: input.fromSequence };
    return deps.origin.startEncode(broadcastId, { epoch, ...plan, ...(receivedAt === null ? {} : { receivedAt }), ...numbers });
  });
  const args = ladderArguments({
    inputUrl,
    resumeAt,
    source: input.source,
    plan,
    sockets,
    encoder: deps.encoder,
    maxPixels: deps.maxPixels,
  });
  // An attempt killed between spawn and the note of it leaves an encoder that nobody knows; its sockets name it.
  const orphan = findByArgument(`unix:${Object.values(sockets)[0]}`);
  const logPath = deps.logPath(broadcastId, epoch);
  const process = orphan ?? (await spawnFfmpeg({ ffmpegPath: deps.ffmpegPath, args, logPath }));
  const record: EncoderRecord = { broadcastId, publishId, epoch, process, logPath, ...(copies ? { copies } : {}) };
  await deps.registry.write(record);
  const renditions = plan.renditions.map((rendition) => rendition.id);
  deps.log.info(
    {
      streamId: input.streamId,
      broadcastId,
      epoch,
      pid: process.pid,
      renditions,
      copies,
      afterMs: Math.round(performance.now() - startedAt),
    },
    'encoder started',
  );
  return record;
}

const MS_PER_SECOND = 1000;
const readerName = (broadcastId: string, epoch: number): string => `${broadcastId}-${epoch}`;

/** A publisher's first encoder begins with its first keyframe, a later one where the one before it has ended. */
async function relayReader(
  { ingest }: TranscodeDeps,
  { broadcastId, publishId, epoch, after }: TranscodeInput,
  copies: boolean,
): Promise<RelayReader> {
  const name = readerName(broadcastId, epoch);
  if (!after?.mediaSeconds) return { start: 'cache', fromMs: 0, name, copies };
  const beganMs = (await ingest.publisher(publishId))?.readers[readerName(broadcastId, after.epoch)];
  if (beganMs === undefined) return { start: 'keyframe', fromMs: 0, name, copies };
  return { start: 'resume', fromMs: Math.round(beganMs + after.mediaSeconds * MS_PER_SECOND), name, copies };
}

interface EncoderMedia {
  inputUrl: string;
  /** See LadderCommand. */
  resumeAt: number | null;
  /** See StartEncode; null: not known. */
  receivedAt: number | null;
}

/** What the encoder reads, and from where on; null when a programme is wanted and no slate can take this source's place. */
async function mediaOf(deps: TranscodeDeps, input: TranscodeInput, copies: boolean): Promise<EncoderMedia | null> {
  const { ingest } = deps;
  if (input.programme) {
    const slate = await ensureSlate({ dir: deps.slatesDir, ffmpegPath: deps.ffmpegPath, source: input.source });
    if (slate === null) return null;
    const receivedAt = await receiptOf(deps, input, ingest.programmeStart(input.streamId, slate));
    return { inputUrl: ingest.programmeUrl(input.streamId, slate), resumeAt: null, receivedAt };
  }
  const reader = await relayReader(deps, input, copies);
  const resumeAt = reader.start === 'resume' ? reader.fromMs / MS_PER_SECOND : null;
  const receivedAt = await receiptOf(deps, input, ingest.relayStart(input.publishId, reader));
  return { inputUrl: ingest.relayUrl(input.publishId, reader), resumeAt, receivedAt };
}

/** Asked right before the encoder is: what it is given first is the same then. An ingest that is away only costs the exact date. */
async function receiptOf(
  { log }: TranscodeDeps,
  { broadcastId, epoch }: TranscodeInput,
  start: Promise<MediaStart>,
): Promise<number | null> {
  try {
    return (await start).receivedAt;
  } catch (error) {
    log.warn(
      { broadcastId, epoch, reason: String(error) },
      "the ingest does not say when the media came in; it is dated by the arrival of the encoder's output",
    );
    return null;
  }
}

/** Asks until the origin answers; what it refuses for good ends at once. */
async function whenOriginAnswers<T>(ask: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + ORIGIN_PATIENCE_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if ((error instanceof HoldfastError && !error.kind.retryable) || Date.now() > deadline) throw error;
    }
    await cancellableDelay(ORIGIN_RETRY_MS);
  }
}

async function watch(
  deps: TranscodeDeps,
  input: TranscodeInput,
  record: EncoderRecord,
): Promise<{ verdict: TranscodeResult['reason']; mediaSeconds: number; pace?: TooSlow }> {
  const context = Context.current();
  let slateIsReady = false;
  let tooSlowIsTold = false;
  const mayDrop = expendableRendition(pickLadder(input.source, input.settings.ladder, input.without).renditions) !== null;
  const watching = new EncoderWatch(record);
  const store = new StoreHealth();
  for (;;) {
    const running = isRunning(record.process);
    const { mediaSeconds } = watching;
    if (!running && (await deps.registry.read(record.broadcastId))?.epoch !== record.epoch) return { verdict: 'stopped', mediaSeconds };
    if (!running || watching.isReadingDue()) {
      const [status, publisher] = await Promise.all([originStatus(deps, record), publisherOf(deps, input)]);
      const received = receivedOf(status, record);
      const news = status && store.take(status.unstoredSince, Date.now());
      if (news) void tellStore(deps, input, news);
      const verdict = judgeEncoder(watching.take(running, received, publisherState(input, publisher)));
      if (verdict !== 'healthy') return { verdict, mediaSeconds: watching.mediaSeconds };
      const pace = watching.judgePace(received, publisher ?? null);
      if (pace && mayDrop) return { verdict: 'too_slow', mediaSeconds: watching.mediaSeconds, pace };
      if (pace && !tooSlowIsTold) {
        tooSlowIsTold = true;
        void tellTooSlow(deps, input, pace);
      }
      const { pid, startedAt } = record.process;
      const progress: TranscodeProgress = { pid, startedAt, epoch: record.epoch, mediaSeconds: watching.mediaSeconds };
      context.heartbeat(progress);
      if (!slateIsReady && watching.mediaSeconds > SLATE_AFTER_SECONDS) {
        slateIsReady = true;
        void prepareSlate(deps, input);
      }
    }
    await cancellableDelay(EncoderWatch.INTERVAL_MS);
  }
}

type EpochOf = Pick<EncoderRecord, 'broadcastId' | 'epoch'>;

/** null: the origin does not answer. */
async function originStatus({ origin, log }: TranscodeDeps, { broadcastId }: EpochOf): Promise<BroadcastStatus | null> {
  try {
    return await origin.status(broadcastId);
  } catch (error) {
    log.warn({ broadcastId, reason: String(error) }, 'origin does not answer');
    return null;
  }
}

/** Seconds of media of the slowest rendition; null when the origin does not answer, 0 when it knows another epoch. */
function receivedOf(status: BroadcastStatus | null, { epoch }: EpochOf): number | null {
  if (!status) return null;
  return status.epoch === epoch ? Math.min(...status.renditions.map((rendition) => rendition.mediaSeconds)) : 0;
}

const receivedSeconds = async (deps: TranscodeDeps, record: EpochOf): Promise<number | null> =>
  receivedOf(await originStatus(deps, record), record);

/** The slate is made when the start, which viewers wait for, is over. */
const SLATE_AFTER_SECONDS = 6;

/** So that it is there at once when the publisher is not. */
async function prepareSlate(
  { slatesDir, ffmpegPath, log }: TranscodeDeps,
  { broadcastId, source, settings }: TranscodeInput,
): Promise<void> {
  if (settings.reconnectWindowSeconds === 0) return;
  try {
    await ensureSlate({ dir: slatesDir, ffmpegPath, source });
  } catch (error) {
    log.warn({ broadcastId, reason: String(error) }, 'the slate could not be made; it is tried again when it is needed');
  }
}

/** A publisher with bytes within this time is sending. */
const SILENT_AFTER_MS = 2000;

/** null: there is none. undefined: the ingest is away (restarting, say), so nothing is known, and that is an answer of its own. */
async function publisherOf(
  { ingest }: TranscodeDeps,
  { publishId, streamId, programme }: TranscodeInput,
): Promise<PublisherStatus | null | undefined> {
  try {
    return await (programme ? ingest.publisherOf(streamId) : ingest.publisher(publishId));
  } catch {
    return undefined;
  }
}

/** A programme is silent only with its publisher: where none is, the ingest sends the slate. */
function publisherState({ programme }: TranscodeInput, publisher: PublisherStatus | null | undefined): EncoderReading['publisher'] {
  if (publisher === undefined) return null;
  if (!publisher) return programme ? 'sending' : 'gone';
  return publisher.idleMs < SILENT_AFTER_MS ? 'sending' : 'silent';
}
