import type { IncomingMessage, ServerResponse } from 'node:http';
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
import type { ProgrammeRequest, Programmes } from './programme/programmes.js';
import type { Publisher } from './publish/publisher.js';
import type { Publishers } from './publish/publishers.js';

export interface ControlOptions {
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
export function createControl(options: ControlOptions): (request: IncomingMessage, response: ServerResponse) => boolean {
  return (request, response) => {
    const url = new URL(request.url ?? '/', 'http://ingest');
    if (!/^\/(publishers|relay|programme|readers)(\/|$)/.test(url.pathname)) return false;
    answer(options, request, response, url).catch((error: unknown) => {
      if (!(error instanceof HoldfastError)) options.log.error({ err: error }, 'control request failed');
      const known = error instanceof HoldfastError ? error : new HoldfastError('internal');
      if (response.headersSent) response.destroy();
      else sendJson(response, known.kind.status, { code: known.code, message: known.message });
    });
    return true;
  };
}

async function answer(options: ControlOptions, request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
  const { publishers } = options;
  if (url.pathname === '/publishers') {
    requireMethod(request, 'GET');
    const described = publishers.all().map((publisher) => publisher.status());
    sendJson(response, 200, { publishers: described.filter((status): status is PublisherStatus => status !== null) });
    return;
  }
  const relay = RELAY_PATH.exec(url.pathname);
  if (relay) {
    requireMethod(request, 'GET');
    const [, publishId = '', asked] = relay;
    const reader = relayQuery(url.searchParams);
    const publisher = publishers.get(publishId);
    if (!publisher?.layout) throw new HoldfastError('not_found', 'That publisher is gone.');
    if (asked === START) sendStart(response, publisher.relay.receivedAt(reader));
    else publisher.relay.attach(response, reader, publisher.layout);
    return;
  }
  const [, streamId, asked] = PROGRAMME_PATH.exec(url.pathname) ?? [];
  if (streamId !== undefined) {
    requireMethod(request, 'GET');
    const wanted = { streamId, ...programmeQuery(url.searchParams) };
    if (asked === START) sendStart(response, options.programmes.receivedAt(wanted));
    else await options.programmes.attach(response, wanted);
    return;
  }
  const [, reader] = READER_PATH.exec(url.pathname) ?? [];
  if (reader !== undefined) {
    requireMethod(request, 'POST');
    const ended: EndedReader = { ended: options.programmes.endReader(reader) };
    sendJson(response, 200, ended);
    return;
  }
  const [, publishId, disconnect] = PUBLISHER_PATH.exec(url.pathname) ?? [];
  if (publishId === undefined) throw new HoldfastError('not_found');
  const publisher = publishers.get(publishId);
  if (disconnect) {
    requireMethod(request, 'POST');
    sendJson(response, 200, await disconnectPublisher(options, publisher, request));
    return;
  }
  requireMethod(request, 'GET');
  const status = publisher?.status();
  if (!status) throw new HoldfastError('not_found', 'That publisher is gone.');
  sendJson(response, 200, status);
}

function sendStart(response: ServerResponse, receivedAt: number | null): void {
  const start: MediaStart = { receivedAt };
  sendJson(response, 200, start);
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
  options: ControlOptions,
  publisher: Publisher | null,
  request: IncomingMessage,
): Promise<DisconnectedPublisher> {
  const reason = reasonOf(await readBody(request));
  if (!publisher) return { disconnected: false };
  options.disconnect(publisher, reason);
  return { disconnected: true };
}

function reasonOf(body: string): string {
  try {
    const { reason } = JSON.parse(body) as { reason?: unknown };
    if (typeof reason === 'string' && reason !== '') return reason.slice(0, MAX_REASON_LENGTH);
  } catch (error) {
    throw new HoldfastError('invalid_json', undefined, {}, { cause: error });
  }
  throw new HoldfastError('invalid_request', 'reason must be a text.');
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new HoldfastError('payload_too_large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function requireMethod(request: IncomingMessage, method: string): void {
  if (request.method !== method) throw new HoldfastError('method_not_allowed');
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  response.writeHead(status, headers).end(JSON.stringify(body));
}
