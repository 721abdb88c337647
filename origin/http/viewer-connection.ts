import type { Socket } from 'node:net';
import { HoldfastError } from '../../domain/errors.js';
import type { HeldRequests } from '../held-requests.js';
import type { ViewerMetrics } from '../metrics.js';
import type { ClientLimit, Refusals } from './address-limits.js';
import { errorWire } from './error-wire.js';
import type { Finder, Found, Held, Pending } from './found.js';
import { plainFields, plainTarget, type PlainFields } from './request-head.js';
import { HEAD_LIMIT_MS, KEEP_ALIVE_SECONDS, MAX_HEAD_BYTES, STUCK_LIMIT_MS } from './timeouts.js';
import { wireOf, type Wire } from './wire.js';

export interface ViewerConnectionOptions {
  finder: Finder;
  held: HeldRequests;
  metrics: ViewerMetrics;
  /** Counts this client's held requests. */
  limit: ClientLimit;
  refusals: Refusals;
  /** Takes the connection over, with what was read and not answered. */
  handOver: (socket: Socket, unread: Buffer) => void;
  onClose: () => void;
}

/** A request that is answered here. */
interface Exchange {
  kind: string;
  /** Its head, in case the full server is to answer after all. */
  text: string;
}

const HEAD_END = '\r\n\r\n';
const MS_PER_SECOND = 1000;

/**
 * The express lane: a keep-alive HTTP/1.1 connection whose requests are answered from shared buffers, one after the other. The first
 * request that is more than a plain GET of something in memory hands the connection over to node:http for good. A viewer with
 * parts of 0.2 s makes twenty requests a second; node:http's own work for each of them costs more than everything else there is to do.
 */
export class ViewerConnection {
  #options: ViewerConnectionOptions;
  #socket: Socket;
  #unread = '';
  #busy = false;
  #left = false;
  /** Ends the wait of a held request. */
  #drop: (() => void) | null = null;
  /** Browsers send the same fields again and again: they are read once. */
  #fieldsText = '';
  #fields: PlainFields | null = null;
  #lastActiveMs = performance.now();
  #written = 0;
  readonly #onData = (chunk: Buffer): void => this.#take(chunk);
  readonly #onDrain = (): void => {
    if (!this.#drop) this.#ready();
  };

  constructor(socket: Socket, options: ViewerConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on('data', this.#onData);
    socket.on('drain', this.#onDrain);
    // Its close follows.
    socket.on('error', ignore);
    socket.once('close', () => {
      this.#letGo();
      options.onClose();
    });
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Closes what is idle, too slow in asking, or stuck in taking. */
  check(now: number): void {
    const quietMs = now - this.#lastActiveMs;
    if (this.#drop) return;
    if (this.#busy) {
      const moved = this.#socket.bytesWritten - this.#socket.writableLength;
      if (moved !== this.#written) this.#lastActiveMs = now;
      else if (quietMs > STUCK_LIMIT_MS) this.#socket.destroy();
      this.#written = moved;
    } else if (quietMs > (this.#unread === '' ? KEEP_ALIVE_SECONDS * MS_PER_SECOND : HEAD_LIMIT_MS)) {
      this.#socket.destroy();
    }
  }

  #take(chunk: Buffer): void {
    // A head that comes in drops does not become younger with each of them.
    if (this.#unread === '') this.#lastActiveMs = performance.now();
    this.#unread += chunk.toString('latin1');
    if (!this.#busy) this.#advance();
    else if (this.#unread.length > MAX_HEAD_BYTES) this.#socket.pause();
  }

  /** Ready for the next request. */
  #ready(): void {
    this.#busy = false;
    this.#lastActiveMs = performance.now();
    if (this.#unread === '') return;
    if (this.#socket.isPaused()) this.#socket.resume();
    this.#advance();
  }

  #advance(): void {
    while (!this.#busy && !this.#left) {
      const end = this.#unread.indexOf(HEAD_END);
      if (end < 0) {
        if (this.#unread.length > MAX_HEAD_BYTES) this.#leave();
        return;
      }
      const text = this.#unread.slice(0, end + HEAD_END.length);
      const finding = this.#find(end);
      if (!finding) return this.#leave();
      this.#unread = this.#unread.slice(text.length);
      this.#follow({ kind: finding.kind, text }, finding.found);
    }
  }

  /** null = for node:http. */
  #find(end: number): { kind: string; found: Found | Wire } | null {
    const lineEnd = this.#unread.indexOf('\r\n');
    const target = plainTarget(this.#unread.slice(0, lineEnd));
    const text = this.#unread.slice(lineEnd + 2, end);
    if (text !== this.#fieldsText) {
      this.#fieldsText = text;
      this.#fields = plainFields(text);
    }
    if (target === null || !this.#fields) return null;
    try {
      return this.#options.finder.find(target, { gzip: this.#fields.gzip, refusals: this.#options.refusals });
    } catch (error) {
      return error instanceof HoldfastError ? { kind: 'error', found: errorWire(error) } : null;
    }
  }

  #follow(exchange: Exchange, found: Found | Wire): void {
    if (!('type' in found)) return this.#send(exchange.kind, found);
    switch (found.type) {
      case 'whole':
        return this.#send(exchange.kind, wireOf(found.source, found.variant, found.render));
      case 'hold':
        return this.#hold(exchange, found);
      case 'pending':
        return this.#await(exchange, found);
      case 'file':
        this.#unread = exchange.text + this.#unread;
        return this.#leave();
    }
  }

  #hold(exchange: Exchange, { hold, next }: Held): void {
    const { held, limit } = this.#options;
    if (!limit.take()) return this.#send(exchange.kind, errorWire(new HoldfastError('rate_limited')));
    this.#busy = true;
    const done = (answer: () => Found | Wire): void => {
      limit.give();
      this.#goOn(exchange, answer);
    };
    const drop = held.hold(hold, {
      answer: () => done(next),
      giveUp: () => done(() => errorWire(new HoldfastError(hold.giveUp))),
      limitMs: hold.limitMs,
    });
    this.#drop = () => {
      drop();
      limit.give();
    };
  }

  #await(exchange: Exchange, { ready }: Pending): void {
    this.#busy = true;
    let gone = false;
    this.#drop = () => void (gone = true);
    const done = (answer: () => Found | Wire): void => {
      if (!gone) this.#goOn(exchange, answer);
    };
    ready.then(
      (found) => done(() => found),
      (error: unknown) => done(() => errorWire(knownError(error))),
    );
  }

  /** What was waited for is there, or will not come. */
  #goOn(exchange: Exchange, answer: () => Found | Wire): void {
    this.#drop = null;
    this.#busy = false;
    this.#follow(exchange, answerOrError(answer));
    if (!this.#busy && !this.#left) this.#ready();
  }

  #send(kind: string, { status, head, body }: Wire): void {
    const socket = this.#socket;
    if (body) {
      socket.cork();
      socket.write(head);
      socket.write(body);
      socket.uncork();
    } else {
      socket.write(head);
    }
    // What was not taken at once is waited for: a client that reads nothing gets nothing further.
    this.#busy = socket.writableNeedDrain;
    this.#options.metrics.answered(kind, status, head.length + (body?.length ?? 0));
  }

  #leave(): void {
    const socket = this.#socket;
    this.#left = true;
    socket.off('data', this.#onData);
    socket.off('drain', this.#onDrain);
    socket.off('error', ignore);
    const unread = Buffer.from(this.#unread, 'latin1');
    this.#unread = '';
    this.#options.onClose();
    this.#options.handOver(socket, unread);
  }

  #letGo(): void {
    this.#drop?.();
    this.#drop = null;
  }
}

const ignore = (): void => undefined;

const knownError = (error: unknown): HoldfastError => (error instanceof HoldfastError ? error : new HoldfastError('internal'));

function answerOrError(answer: () => Found | Wire): Found | Wire {
  try {
    return answer();
  } catch (error) {
    return errorWire(knownError(error));
  }
}
