import type { Socket } from 'node:net';
import { HoldfastError } from '../../domain/errors.js';
import type { HeldRequests } from '../held-requests.js';
import type { ViewerMetrics } from '../metrics.js';
import { errorWire, type Lane, type LaneAnswer } from './express-lane.js';
import type { ClientLimit } from './address-limits.js';
import { plainFields, plainTarget, type PlainFields } from './request-head.js';
import { HEAD_LIMIT_MS, KEEP_ALIVE_SECONDS, MAX_HEAD_BYTES, STUCK_LIMIT_MS } from './timeouts.js';
import type { Wire } from './wire.js';

export interface ViewerConnectionOptions {
  lane: Lane;
  held: HeldRequests;
  metrics: ViewerMetrics;
  /** Counts this client's held requests. */
  limit: ClientLimit;
  /** Takes the connection over, with what was read and not answered. */
  handOver: (socket: Socket, unread: Buffer) => void;
  onClose: () => void;
}

const HEAD_END = '\r\n\r\n';
const MS_PER_SECOND = 1000;

/**
 * A keep-alive HTTP/1.1 connection whose requests are answered from shared buffers, one after the other. The first
 * request that is more than a plain GET of something in memory hands the connection over to node:http for good.
 */
export class ViewerConnection {
  #options: ViewerConnectionOptions;
  #socket: Socket;
  #unread = '';
  #busy = false;
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
    while (!this.#busy) {
      const end = this.#unread.indexOf(HEAD_END);
      if (end < 0) {
        if (this.#unread.length > MAX_HEAD_BYTES) this.#leave();
        return;
      }
      const answer = this.#find(end);
      if (!answer) return this.#leave();
      this.#unread = this.#unread.slice(end + HEAD_END.length);
      if ('wire' in answer) this.#send(answer.kind, answer.wire);
      else this.#hold(answer);
    }
  }

  /** null = for node:http. */
  #find(end: number): LaneAnswer | null {
    const lineEnd = this.#unread.indexOf('\r\n');
    const target = plainTarget(this.#unread.slice(0, lineEnd));
    const text = this.#unread.slice(lineEnd + 2, end);
    if (text !== this.#fieldsText) {
      this.#fieldsText = text;
      this.#fields = plainFields(text);
    }
    if (target === null || !this.#fields) return null;
    try {
      return this.#options.lane.find(target, this.#fields.gzip);
    } catch (error) {
      return error instanceof HoldfastError ? { kind: 'error', wire: errorWire(error) } : null;
    }
  }

  #hold({ kind, hold, answer }: Extract<LaneAnswer, { hold: unknown }>): void {
    const { held, limit } = this.#options;
    if (!limit.take()) return this.#send(kind, errorWire(new HoldfastError('rate_limited')));
    this.#busy = true;
    const done = (wire: () => Wire): void => {
      this.#drop = null;
      limit.give();
      this.#busy = false;
      this.#send(kind, wireOrError(wire));
      if (!this.#busy) this.#ready();
    };
    const drop = held.hold(hold, {
      answer: () => done(answer),
      giveUp: () => done(() => errorWire(new HoldfastError(hold.giveUp))),
      limitMs: hold.limitMs,
    });
    this.#drop = () => {
      drop();
      limit.give();
    };
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

function wireOrError(wire: () => Wire): Wire {
  try {
    return wire();
  } catch (error) {
    return errorWire(error instanceof HoldfastError ? error : new HoldfastError('internal'));
  }
}
