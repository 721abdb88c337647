import { connect, type Socket } from 'node:net';

/** What the measurement needs of an answer. */
export interface Answer {
  status: number;
  etag: string;
  /** Wall clock (ms) at which the origin listed the part; NaN when the server does not say. */
  publishedAt: number;
  /** Wall clock (ms) of the last byte. */
  receivedAt: number;
  /** Only when it was asked for. */
  body: Buffer | null;
}

/** One buffer for every socket: what is read is looked at before the next read. */
const READ_BUFFER = Buffer.allocUnsafe(256 << 10);
/** Heads are shorter than this (bytes). */
const MAX_HEAD = 4096;
const HEAD_END = '\r\n\r\n';

let due: (() => void)[] = [];

function sendDue(): void {
  const requests = due;
  due = [];
  for (const send of requests) send();
}

/** A keep-alive HTTP/1.1 connection with one request at a time and next to no cost of its own. */
export class ViewerConnection {
  #socket: Socket;
  #head = '';
  #left = -1;
  #status = 0;
  #etag = '';
  #publishedAt = NaN;
  #chunks: Buffer[] | null = null;
  #take: ((answer: Answer) => void) | null = null;
  #requestTail: string;

  constructor(host: string, port: number, onFailure: (reason: string) => void) {
    this.#requestTail =
      ` HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: keep-alive\r\nAccept: */*\r\n` +
      'Accept-Encoding: gzip, deflate, br\r\nUser-Agent: holdfast-bench\r\n\r\n';
    this.#socket = connect({ host, port, noDelay: true, onread: { buffer: READ_BUFFER, callback: (length) => this.#read(length) } });
    this.#socket.once('error', (error: NodeJS.ErrnoException) => onFailure(error.code ?? error.message));
    this.#socket.once('end', () => onFailure('closed by the server'));
  }

  /**
   * Sent once everything that has arrived by now is read: else what other viewers have received would wait for the
   * requests of this process, and count as late.
   *
   * @param keepBody false = the body is counted and dropped
   */
  get(path: string, keepBody: boolean, take: (answer: Answer) => void): void {
    this.#take = take;
    this.#chunks = keepBody ? [] : null;
    if (due.length === 0) setImmediate(sendDue);
    due.push(() => {
      if (!this.#socket.destroyed) this.#socket.write(`GET ${path}${this.#requestTail}`, 'latin1');
    });
  }

  close(): void {
    this.#take = null;
    this.#socket.destroy();
  }

  #read(length: number): boolean {
    let offset = 0;
    if (this.#left < 0) {
      offset = this.#readHead(READ_BUFFER.toString('latin1', 0, Math.min(length, MAX_HEAD)));
      if (offset < 0) return true;
    }
    const body = Math.min(this.#left, length - offset);
    if (this.#chunks && body > 0) this.#chunks.push(Buffer.from(READ_BUFFER.subarray(offset, offset + body)));
    this.#left -= body;
    if (this.#left === 0) this.#done();
    return true;
  }

  /** Where in the buffer the body begins; -1 = the head is not over. */
  #readHead(text: string): number {
    const before = this.#head.length;
    this.#head += text;
    const end = this.#head.indexOf(HEAD_END);
    if (end < 0) return -1;
    const head = this.#head.slice(0, end);
    this.#head = '';
    this.#status = Number(head.slice(9, 12));
    this.#left = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    this.#etag = /\r\netag: (\S+)/i.exec(head)?.[1] ?? '';
    this.#publishedAt = Number(/\r\nholdfast-published: (\S+)/i.exec(head)?.[1] ?? NaN);
    return end + HEAD_END.length - before;
  }

  #done(): void {
    this.#left = -1;
    const take = this.#take;
    this.#take = null;
    const body = this.#chunks && Buffer.concat(this.#chunks);
    take?.({ status: this.#status, etag: this.#etag, publishedAt: this.#publishedAt, receivedAt: Date.now(), body });
  }
}
