import { connect, type ClientHttp2Session } from 'node:http2';
import type { Answer } from './viewers-connection.js';

/** One HTTP/2 connection over TLS with everything a viewer asks for, as browsers have. */
export class SecureViewer {
  #session: ClientHttp2Session;

  /** The certificate is the bench's own: nobody vouches for it. */
  constructor(host: string, port: number, onFailure: (reason: string) => void) {
    this.#session = connect(`https://${host}:${port}`, { rejectUnauthorized: false });
    this.#session.once('error', (error: NodeJS.ErrnoException) => onFailure(error.code ?? error.message));
    this.#session.once('close', () => onFailure('closed by the server'));
  }

  /** @param keepBody false = the body is counted and dropped */
  get(path: string, keepBody: boolean, take: (answer: Answer) => void): void {
    // What the last answers lead to, after the end.
    if (this.#session.closed || this.#session.destroyed) return;
    const stream = this.#session.request({ ':path': path, 'accept-encoding': 'gzip, deflate, br', 'user-agent': 'holdfast-bench' });
    const chunks: Buffer[] = [];
    let status = 0;
    let etag = '';
    let publishedAt = NaN;
    stream.once('response', (headers) => {
      status = Number(headers[':status']);
      etag = headers.etag ?? '';
      publishedAt = Number(headers['holdfast-published'] ?? NaN);
    });
    stream.on('data', (chunk: Buffer) => {
      if (keepBody) chunks.push(chunk);
    });
    // Its session fails with it, and says so.
    stream.on('error', () => undefined);
    stream.once('end', () => take({ status, etag, publishedAt, receivedAt: Date.now(), body: keepBody ? Buffer.concat(chunks) : null }));
  }

  close(): void {
    this.#session.destroy();
  }
}
