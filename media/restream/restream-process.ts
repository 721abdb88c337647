import { mkdir, rm } from 'node:fs/promises';
import type { RestreamInput, RestreamKey } from '../../domain/contracts/restream.js';
import type { DestinationTarget } from '../../domain/contracts/destinations.js';
import { parseDestinationUrl } from '../../domain/destination-url.js';
import { planRestream } from '../../domain/restream-plan.js';
import type { Logger } from '../../platform/log/logger.js';
import { orAborted } from '../host/or-aborted.js';
import { spawnFfmpeg } from '../process/ffmpeg-process.js';
import { restreamArguments } from '../ffmpeg/restream-command.js';
import type { VideoEncoderChoice } from '../ffmpeg/video-encoder.js';
import { CannotHideError, HiddenOptions } from '../process/hidden-options.js';
import { findByArgument, type ProcessIdentity } from '../process/process-identity.js';
import { guardAddress } from './address-guard.js';
import { checkedAddress, type ResolveHost } from './public-address.js';
import { restreamAddress, type RestreamAddress } from './restream-address.js';
import { logLength } from './restream-log.js';
import type { RestreamRecord, RestreamRegistry } from './restream-registry.js';
import { ensureSlate } from '../slate/slate.js';

export interface RestreamProcessDeps {
  ffmpegPath: string;
  encoder: VideoEncoderChoice;
  /** See maxPixelsOf. */
  maxPixels: number;
  restreams: RestreamRegistry;
  /** The ingest's address of a stream's programme for a reader, with a slate of that name or none. */
  programmeUrl: (streamId: string, slate: string | null, reader: string) => string;
  slatesDir: string;
  /** Path of one restream's log; all its attempts write there. */
  restreamLogPath: (key: RestreamKey) => string;
  /** Destinations may be loopback and private addresses. */
  allowPrivateAddresses: boolean;
  /** PEM file of the authorities that RTMPS trusts; null for those of the system. */
  caFile: string | null;
  resolve?: ResolveHost;
  log: Logger;
}

export interface StartRestream extends RestreamInput {
  target: DestinationTarget;
}

/** With a slate the programme is never silent for longer than a moment. */
const READ_TIMEOUT_SECONDS = 20;
/** ffmpeg's reports; liveness is read from them. */
const REPORT_SECONDS = 1;

/**
 * Starts one connection to one destination, in a process that outlives this one, and writes it down.
 *
 * @param signal nobody wants it any more: rejects before there is a process, or resolves with it
 * @throws HoldfastError `destination_url_invalid`, `destination_address_forbidden`, `destination_unreachable` (no such name)
 */
export async function startRestream(deps: RestreamProcessDeps, input: StartRestream, signal: AbortSignal): Promise<RestreamRecord> {
  const { broadcastId, destinationId, attempt, target } = input;
  const parsed = parseDestinationUrl(target.url, target.streamKey);
  const question = { host: parsed.host, allowPrivate: deps.allowPrivateAddresses, attempt, resolve: deps.resolve };
  const address = restreamAddress(parsed, deps.caFile, await orAborted(checkedAddress(question), signal));
  const slate = target.slate ? await orAborted(slateName(deps, input), signal) : null;
  const progressPath = deps.restreams.progressPath(input, attempt);
  const reader = `${broadcastId}-${destinationId}-${attempt}`;
  const logPath = deps.restreamLogPath(input);
  const logOffset = await logLength(logPath);
  signal.throwIfAborted();
  // A worker killed between spawn and the note of it leaves a connection that nobody knows; its report names it.
  const process = findByArgument(progressPath) ?? (await spawn(deps, input, { address, slate, reader, progressPath, logPath }));
  const format = { source: input.source, rendition: target.rendition, container: address.container };
  const record: RestreamRecord = {
    streamId: input.streamId,
    broadcastId,
    destinationId,
    attempt,
    process,
    format,
    reader,
    logPath,
    logOffset,
    progressPath,
    live: false,
    stopping: false,
    slate: slate !== null,
    ...(address.resolves && !deps.allowPrivateAddresses ? { hidesFailure: true } : {}),
  };
  await deps.restreams.write(record);
  if (record.hidesFailure) guard(deps, record);
  deps.log.info({ streamId: input.streamId, broadcastId, destinationId, attempt, pid: process.pid }, 'restream started');
  return record;
}

function guard({ programmeUrl, log }: RestreamProcessDeps, { process, progressPath, destinationId }: RestreamRecord): void {
  const programmePort = Number(new URL(programmeUrl('-', null, '-')).port);
  guardAddress({ process, progressPath, programmePort }).then(
    (ended) => ended && log.warn({ destinationId }, 'a destination led to a private address'),
    (error: unknown) => log.error({ err: error, destinationId }, 'nobody sees where a restream connects'),
  );
}

/** A destination without a slate is better than none. */
async function slateName(deps: RestreamProcessDeps, { source, streamId }: StartRestream): Promise<string | null> {
  try {
    return await ensureSlate({ dir: deps.slatesDir, ffmpegPath: deps.ffmpegPath, source });
  } catch (error) {
    deps.log.error({ err: error, streamId }, 'no slate: restreams pause while the encoder is away');
    return null;
  }
}

interface Spawn {
  address: RestreamAddress;
  slate: string | null;
  reader: string;
  progressPath: string;
  logPath: string;
}

async function spawn(deps: RestreamProcessDeps, input: StartRestream, options: Spawn): Promise<ProcessIdentity> {
  const { address, slate, reader, progressPath, logPath } = options;
  const hidden = new HiddenOptions(address.hidden);
  const argumentsWith = (secretOptions: string[], globalOptions: string[]): string[] =>
    restreamArguments({
      inputUrl: deps.programmeUrl(input.streamId, slate, reader),
      source: input.source,
      plan: planRestream(input.source, input.target.rendition, address.container),
      encoder: deps.encoder,
      container: address.container,
      outputUrl: address.url,
      protocolOptions: [...address.options, ...secretOptions],
      globalOptions,
      maxPixels: deps.maxPixels,
      readTimeoutSeconds: slate === null ? null : READ_TIMEOUT_SECONDS,
    });
  const { ffmpegPath, log } = deps;
  await mkdir(deps.restreams.dir, { recursive: true });
  await rm(progressPath, { force: true });
  try {
    return await spawnFfmpeg({
      ffmpegPath,
      args: argumentsWith(hidden.placeholders, HiddenOptions.hold(progressPath)),
      logPath,
      onSpawn: (process, pipe) => hidden.reveal(process, pipe, progressPath, REPORT_SECONDS),
    });
  } catch (error) {
    if (!(error instanceof CannotHideError)) throw error;
    log.warn({ err: error, destinationId: input.destinationId }, 'the stream key can be seen in the process list of this machine');
    await rm(progressPath, { force: true });
    const globalOptions = ['-progress', progressPath, '-stats_period', String(REPORT_SECONDS)];
    return spawnFfmpeg({ ffmpegPath, args: argumentsWith(hidden.clear, globalOptions), logPath });
  }
}
