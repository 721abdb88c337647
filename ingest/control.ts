import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ControlAccess } from '../domain/contracts/control-access.js';
import {
  RELAY_STARTS,
  type DisconnectedPublisher,
  type EndedReader,
  type MediaStart,
  type PublisherStatus,
  type RelayReader,
} from '../domain/contracts/ingest-control.js';
import { HoldfastError } from '../domain/errors.js';
import type { Logger } from '../platform/log/logger.js';
import { type ControlAnswer, type ControlRequest, createControlHandler, parseJson } from '../platform/ops/control-request.js';
import type { ProgrammeRequest, Programmes } from './programme/programmes.js';
import type { Publisher } from './publish/publisher.js';
import type { Publishers } from './publish/publishers.js';

export interface IngestControlOptions {
  access: ControlAccess;
  publishers: Publishers;
  programmes: Programmes;
  /** Ends one publisher; `reason` is for the log and the encoder. */
  disconnect(publisher: Publisher, reason: string): void;
  log: Logger;
}

const MAX_BODY_BYTES = 16 * 1024;
const MAX_REASON_LENGTH = 200;
const PUBLISHER_PATH = /^\/publishers\/([A-Za-z0-9_-]+)(\/disconnect)?$/;
const RELAY_PATH = /^\/relay\/([A-Za-z0-9_-]+)(\.flv|\/start)$/;
const PROGRAMME_PATH = /^\/programme\/([A-Za-z0-9_-]+)(\.flv|\/start)$/;
const READER = /^[A-Za-z0-9_-]{1,128}$/;
const READER_PATH = /^\/readers\/([A-Za-z0-9_-]{1,128})\/end$/;
/** Asked for instead of the media: where it begins. */
const START = '/start';
/** For `slate`: nothing is sent while the publisher is away. */
const NO_SLATE = 'none';

/** The addresses of domain/contracts/ingest-control.ts, and GET /publishers; true = this request is answered here. */
export function createControl(options: IngestControlOptions): (request: IncomingMessage, response: ServerResponse) => boolean {
  const { access, log } = options;
  return createControlHandler({
    owns: (path) => /^\/(publishers|relay|programme|readers)(\/|$)/.test(path),
    access,
    answer: (request) => answer(options, request),
    log,
  });
}

async function answer(options: IngestControlOptions, request: ControlRequest): Promise<ControlAnswer | null> {
  const { publishers } = options;
  const { path, query, response } = request;
  if (path === '/publishers') {
    requireMethod(request, 'GET');
    const described = publishers.all().map((publisher) => publisher.status());
    return ok({ publishers: described.filter((status): status is PublisherStatus => status !== null) });
  }
  const relay = RELAY_PATH.exec(path);
  if (relay) {
    requireMethod(request, 'GET');
    const [, publishId = '', asked] = relay;
    const reader = relayQuery(query);
    const publisher = publishers.get(publishId);
    if (!publisher?.layout) throw new HoldfastError('not_found', 'That publisher is gone.');
    if (asked === START) return startOf(publisher.relay.receivedAt(reader));
    publisher.relay.attach(response, reader, publisher.layout);
    return null;
  }
  const [, streamId, asked] = PROGRAMME_PATH.exec(path) ?? [];
  if (streamId !== undefined) {
    requireMethod(request, 'GET');
    const wanted = { streamId, ...programmeQuery(query) };
    if (asked === START) return startOf(options.programmes.receivedAt(wanted));
    await options.programmes.attach(response, wanted);
    return null;
  }
  const [, reader] = READER_PATH.exec(path) ?? [];
  if (reader !== undefined) {
    requireMethod(request, 'POST');
    const ended: EndedReader = { ended: options.programmes.endReader(reader) };
    return ok(ended);
  }
  const [, publishId, disconnect] = PUBLISHER_PATH.exec(path) ?? [];
  if (publishId === undefined) throw new HoldfastError('not_found');
  const publisher = publishers.get(publishId);
  if (disconnect) {
    requireMethod(request, 'POST');
    return ok(await disconnectPublisher(options, publisher, request));
  }
  requireMethod(request, 'GET');
  const status = publisher?.status();
  if (!status) throw new HoldfastError('not_found', 'That publisher is gone.');
  return ok(status);
}

const ok = (body: unknown): ControlAnswer => ({ status: 200, body });

function startOf(receivedAt: number | null): ControlAnswer {
  const start: MediaStart = { receivedAt };
  return ok(start);
}

function relayQuery(query: URLSearchParams): RelayReader {
  const asked = query.get('start') ?? 'cache';
  const start = RELAY_STARTS.find((known) => known === asked);
  if (!start) throw new HoldfastError('invalid_request', `start must be one of ${RELAY_STARTS.join(', ')}.`);
  const fromMs = Number(query.get('from') ?? 0);
  if (!Number.isFinite(fromMs)) throw new HoldfastError('invalid_request', 'from must be a number of milliseconds.');
  return { start, fromMs, name: readerName(query), copies: query.get('copies') === '1' };
}

function readerName(query: URLSearchParams): string | null {
  const reader = query.get('reader');
  if (reader !== null && !READER.test(reader)) {
    throw new HoldfastError('invalid_request', 'reader must be 1 to 128 letters, digits, _ and -.');
  }
  return reader;
}

function programmeQuery(query: URLSearchParams): Omit<ProgrammeRequest, 'streamId'> {
  const slate = query.get('slate') ?? '';
  return { slate: slate === NO_SLATE ? null : slate, reader: readerName(query) };
}

async function disconnectPublisher(
  options: IngestControlOptions,
  publisher: Publisher | null,
  request: ControlRequest,
): Promise<DisconnectedPublisher> {
  const reason = reasonOf(parseJson(await request.body(MAX_BODY_BYTES)));
  if (!publisher) return { disconnected: false };
  options.disconnect(publisher, reason);
  return { disconnected: true };
}

function reasonOf(body: unknown): string {
  const { reason } = (body ?? {}) as { reason?: unknown };
  if (typeof reason !== 'string' || reason === '') throw new HoldfastError('invalid_request', 'reason must be a text.');
  return reason.slice(0, MAX_REASON_LENGTH);
}

function requireMethod(request: ControlRequest, method: string): void {
  if (request.method !== method) throw new HoldfastError('method_not_allowed');
}
