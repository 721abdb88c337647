import type { ControlAccess } from '../domain/contracts/control-access.js';
import type {
  DisconnectedPublisher,
  DisconnectPublisher,
  EndedReader,
  MediaStart,
  PublisherStatus,
  RelayReader,
} from '../domain/contracts/ingest-control.js';
import type { BroadcastStatus, OpenBroadcast, OpenBroadcasts, StartedEncode, StartEncode } from '../domain/contracts/origin-control.js';
import { ERROR_KINDS, HoldfastError, type ErrorCode } from '../domain/errors.js';

/** A control call on the same machine that takes longer than this will not be answered. */
const CALL_TIMEOUT_MS = 5000;
/** A look at what is in memory; one that takes longer says that the process is not well. */
const LOOK_TIMEOUT_MS = 2000;

const isErrorCode = (code: unknown): code is ErrorCode => typeof code === 'string' && code in ERROR_KINDS;

type Call = <T>(path: string, method: string, body?: unknown, timeoutMs?: number) => Promise<T>;

/** Asks the control address of another process of this host. */
const callerOf =
  (baseUrl: string, { authorization }: ControlAccess): Call =>
  async <T>(path: string, method: string, body?: unknown, timeoutMs = CALL_TIMEOUT_MS) => {
    const response = await fetch(`${baseUrl}${path}`, {
      method,
      signal: AbortSignal.timeout(timeoutMs),
      ...(body === undefined
        ? { headers: { authorization } }
        : { body: JSON.stringify(body), headers: { authorization, 'content-type': 'application/json' } }),
    });
    const text = await response.text();
    if (response.ok) return (text ? JSON.parse(text) : undefined) as T;
    const problem = parseProblem(text);
    throw new HoldfastError(codeOf(problem.code), problem.message ?? `HTTP ${response.status}`);
  };

/** Not being let in is a fault of this installation, which somebody mends: whoever asked tries again. */
const codeOf = (code: unknown): ErrorCode => (isErrorCode(code) && code !== 'unauthenticated' && code !== 'forbidden' ? code : 'internal');

function parseProblem(text: string): { code?: unknown; message?: string } {
  try {
    return JSON.parse(text) as { code?: unknown; message?: string };
  } catch {
    return {};
  }
}

/** The origin's control API (domain/contracts/origin-control.ts). */
export function createOriginClient(baseUrl: string, access: ControlAccess) {
  const call = callerOf(baseUrl, access);
  const at = (broadcastId: string): string => `/broadcasts/${encodeURIComponent(broadcastId)}`;
  return {
    open: (broadcastId: string, body: OpenBroadcast) => call<void>(at(broadcastId), 'PUT', body),
    startEncode: (broadcastId: string, body: StartEncode) => call<StartedEncode>(`${at(broadcastId)}/encodes`, 'POST', body),
    listOpen: () => call<OpenBroadcasts>('/broadcasts', 'GET', undefined, LOOK_TIMEOUT_MS),
    status: (broadcastId: string) => call<BroadcastStatus>(at(broadcastId), 'GET', undefined, LOOK_TIMEOUT_MS),
    awaitPlayable: (broadcastId: string, timeoutMs: number) =>
      call<BroadcastStatus>(`${at(broadcastId)}/playable?timeoutMs=${timeoutMs}`, 'GET', undefined, timeoutMs + CALL_TIMEOUT_MS),
    end: (broadcastId: string) => call<BroadcastStatus>(`${at(broadcastId)}/end`, 'POST', {}, 2 * CALL_TIMEOUT_MS),
    remove: (broadcastId: string) => call<void>(at(broadcastId), 'DELETE'),
  };
}
export type OriginClient = ReturnType<typeof createOriginClient>;

const relayQuery = ({ start, fromMs }: RelayReader): string => `start=${start}${start === 'resume' ? `&from=${fromMs}` : ''}`;

/** The ingest's control API (domain/contracts/ingest-control.ts). */
export function createIngestClient(baseUrl: string, access: ControlAccess) {
  const call = callerOf(baseUrl, access);
  const signed = (target: string): string => `${baseUrl}${access.sign(target)}`;
  return {
    /** null when the publisher is gone. */
    publisher: async (publishId: string): Promise<PublisherStatus | null> => {
      try {
        return await call<PublisherStatus>(`/publishers/${publishId}`, 'GET', undefined, LOOK_TIMEOUT_MS);
      } catch (error) {
        if (error instanceof HoldfastError && error.kind.status === ERROR_KINDS.not_found.status) return null;
        throw error;
      }
    },
    /** The publisher of a stream whose media is known; null when there is none. */
    publisherOf: async (streamId: string): Promise<PublisherStatus | null> => {
      const { publishers } = await call<{ publishers: PublisherStatus[] }>('/publishers', 'GET');
      return publishers.find((publisher) => publisher.streamId === streamId) ?? null;
    },
    disconnect: (publishId: string, body: DisconnectPublisher) =>
      call<DisconnectedPublisher>(`/publishers/${publishId}/disconnect`, 'POST', body),
    /** For ffmpeg's arguments: signed, and good for this alone. */
    relayUrl: (publishId: string, reader: RelayReader) =>
      signed(
        `/relay/${publishId}.flv?${relayQuery(reader)}` +
          (reader.name === null ? '' : `&reader=${encodeURIComponent(reader.name)}${reader.copies ? '&copies=1' : ''}`),
      ),
    /** Where the relay begins for a reader that asks so now. */
    relayStart: (publishId: string, reader: RelayReader) =>
      call<MediaStart>(`/relay/${publishId}/start?${relayQuery(reader)}`, 'GET', undefined, LOOK_TIMEOUT_MS),
    /**
     * For ffmpeg's arguments: signed, and good for this alone.
     *
     * @param slate a name of `ensureSlate`, or null: nothing is sent while the encoder is away
     * @param reader a name for `endReader`: letters, digits, `_` and `-`
     */
    programmeUrl: (streamId: string, slate: string | null, reader?: string) =>
      signed(
        `/programme/${encodeURIComponent(streamId)}.flv?slate=${encodeURIComponent(slate ?? 'none')}` +
          (reader === undefined ? '' : `&reader=${encodeURIComponent(reader)}`),
      ),
    /** Where the programme begins for a reader that attaches now. */
    programmeStart: (streamId: string, slate: string | null) =>
      call<MediaStart>(
        `/programme/${encodeURIComponent(streamId)}/start?slate=${encodeURIComponent(slate ?? 'none')}`,
        'GET',
        undefined,
        LOOK_TIMEOUT_MS,
      ),
    /** Ends what a reader of a programme gets, so that its ffmpeg finishes and leaves its platform politely. */
    endReader: (reader: string) => call<EndedReader>(`/readers/${encodeURIComponent(reader)}/end`, 'POST'),
  };
}
export type IngestClient = ReturnType<typeof createIngestClient>;
