import { Agent, request as ask, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { HoldfastError } from '../../domain/errors.js';
import type { WholeAnswer } from '../http/wire.js';

/** Longer than the origin holds anything; one that takes more hangs. */
const ANSWER_LIMIT_MS = 20_000;
/** What an exchange over a closed connection ends with. */
const CLOSED = new Set<string | undefined>(['ECONNRESET', 'EPIPE']);
/** Of one connection and its transport (RFC 9110, 7.6.1), or said by whoever sends the answer. */
const HOP_FIELDS = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'date']);

/** The origin as its viewer processes reach it: by HTTP over a socket of this machine, on connections that are kept. */
export class OriginLink {
  readonly #socketPath: string;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  /** The whole answer to a plain GET. Throws `origin_unavailable`. */
  async ask(target: string, gzip: boolean): Promise<WholeAnswer> {
    const headers = { 'accept-encoding': gzip ? 'gzip' : 'identity' };
    try {
      return await whole(await this.#answer(() => this.#request('GET', target, headers)));
    } catch (error) {
      throw new HoldfastError('origin_unavailable', undefined, {}, { cause: error });
    }
  }

  /** Hands a request on as it is, and the answer back as it comes. @returns bytes of the body. Throws `origin_unavailable`. */
  async pass(request: IncomingMessage, response: ServerResponse): Promise<number> {
    let asked: ClientRequest | null = null;
    // Who goes away before the answer is there waits for nothing.
    response.once('close', () => asked?.destroy());
    const answer = await this.#answer(
      () => (asked = this.#request(request.method ?? 'GET', request.url ?? '/', withoutBody(request.headers))),
    ).catch((error: unknown) => {
      throw new HoldfastError('origin_unavailable', undefined, {}, { cause: error });
    });
    response.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers));
    await pipeline(answer, response);
    return request.method === 'HEAD' ? 0 : Number(answer.headers['content-length'] ?? 0);
  }

  close(): void {
    this.#agent.destroy();
  }

  #request(method: string, path: string, headers: Record<string, string | string[]>): ClientRequest {
    return ask({
      socketPath: this.#socketPath,
      agent: this.#agent,
      method,
      path,
      headers: { ...headers, host: 'origin' },
      timeout: ANSWER_LIMIT_MS,
    });
  }

  /** A kept connection may have been closed by the origin in the moment of its use; nothing was done then, so it is asked again. */
  async #answer(send: () => ClientRequest): Promise<IncomingMessage> {
    const first = send();
    try {
      return await answerTo(first);
    } catch (error) {
      if (!first.reusedSocket || !CLOSED.has((error as NodeJS.ErrnoException).code)) throw error;
      return answerTo(send());
    }
  }
}

function answerTo(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve).once('error', reject);
    request.once('timeout', () => request.destroy(new Error(`no answer within ${ANSWER_LIMIT_MS} ms`)));
    request.end();
  });
}

async function whole(answer: IncomingMessage): Promise<WholeAnswer> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  return {
    status: answer.statusCode ?? 502,
    headers: { ...endToEnd(answer.headers), 'content-length': body.length } as WholeAnswer['headers'],
    body,
  };
}

/** No request has a body that means anything; one that was announced is not waited for. */
function withoutBody(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const { 'content-length': _length, expect: _expect, ...kept } = endToEnd(headers);
  return kept as Record<string, string | string[]>;
}

/** Without pseudo-fields of HTTP/2, and without what concerns one connection. */
function endToEnd(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const kept = Object.entries(headers).filter(([name, value]) => value !== undefined && !name.startsWith(':') && !HOP_FIELDS.has(name));
  return Object.fromEntries(kept) as Record<string, string | string[]>;
}
