import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ControlAccess } from '../../domain/contracts/control-access.js';
import { HoldfastError } from '../../domain/errors.js';
import type { Logger } from '../log/logger.js';

/** What a request asks for, whatever its request line was. */
export interface RequestTarget {
  /** As it was sent: nothing is decoded or resolved. */
  path: string;
  query: URLSearchParams;
}

/** One request to a control address. */
export interface ControlRequest extends RequestTarget {
  method: string;
  /** The whole body as text; throws `payload_too_large` when it is more than `maxBytes`. */
  body(maxBytes: number): Promise<string>;
  /** For answers that go on, and for noticing that nobody waits any more. */
  response: ServerResponse;
}

/** `body` is sent as JSON; without it 204 says it all. */
export interface ControlAnswer {
  status: number;
  body?: unknown;
}

export interface ControlOptions {
  /** Whether a path is one of this control address's own; the others are left to whoever else serves the port. */
  owns(path: string): boolean;
  access: ControlAccess;
  /** Null: the request has its answer, or is getting it. */
  answer(request: ControlRequest): Promise<ControlAnswer | null>;
  /** What an error of another kind is for whoever asked; null = `internal`. */
  explain?(error: unknown): HoldfastError | null;
  log: Logger;
}

/** Names of this machine, by which it is called by its own processes; a name of somebody else's DNS is none of them. */
const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;
/** Our own faults, which must not hide in an answer. */
const LOGGED: ReadonlySet<string> = new Set(['internal', 'disk_full']);

/** The path and query of a request line; never throws, whatever a peer has sent there. */
export function requestTarget(request: Pick<IncomingMessage, 'url'>): RequestTarget {
  const url = request.url ?? '';
  const end = url.indexOf('?');
  return end < 0 ? { path: url, query: new URLSearchParams() } : { path: url.slice(0, end), query: new URLSearchParams(url.slice(end)) };
}

/** The text as JSON; throws `invalid_json`. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new HoldfastError('invalid_json', undefined, {}, { cause: error });
  }
}

/**
 * Handler of a control address, true = the request is answered here. Only this host's own processes are: by the header, or by
 * a signed path; and by a name of this machine, so that no page of a browser reaches it through a name of its own. Errors are
 * {code, message} with the status of domain/errors.ts.
 */
export function createControlHandler(options: ControlOptions): (request: IncomingMessage, response: ServerResponse) => boolean {
  return (request, response) => {
    const target = requestTarget(request);
    if (!options.owns(target.path)) return false;
    void answerTo(options, request, response, target);
    return true;
  };
}

async function answerTo(options: ControlOptions, request: IncomingMessage, response: ServerResponse, target: RequestTarget): Promise<void> {
  try {
    checkAccess(options.access, request);
    const method = request.method ?? '';
    const answer = await options.answer({ ...target, method, response, body: (maxBytes) => readBody(request, maxBytes) });
    if (answer) send(response, answer);
  } catch (error) {
    const known = error instanceof HoldfastError ? error : (options.explain?.(error) ?? new HoldfastError('internal'));
    if (LOGGED.has(known.code)) options.log.error({ err: error }, 'control request failed');
    if (response.headersSent) response.destroy();
    else send(response, { status: known.kind.status, body: { code: known.code, message: known.message, ...known.details } });
  }
}

function checkAccess(access: ControlAccess, { headers, method, url = '' }: IncomingMessage): void {
  if (!LOOPBACK_HOST.test(headers.host ?? '')) throw new HoldfastError('forbidden', 'This address answers to names of its own machine.');
  if (access.allows(headers.authorization)) return;
  if (method === 'GET' && access.allowsSigned(url)) return;
  throw new HoldfastError('unauthenticated', 'This address is for processes of its own host.');
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new HoldfastError('payload_too_large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, { status, body }: ControlAnswer): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}
