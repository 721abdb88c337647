import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { HoldfastError } from '../../domain/errors.js';
import type { HeldRequests } from '../held-requests.js';
import type { ViewerMetrics } from '../metrics.js';
import type { AddressLimits } from './address-limits.js';
import type { Finder } from './found.js';
import type { RequestHandler } from './http-sender.js';
import { CHECK_MS, HEAD_LIMIT_MS, KEEP_ALIVE_SECONDS, MAX_HEAD_BYTES } from './timeouts.js';
import { ViewerConnection } from './viewer-connection.js';
import { errorAnswer } from './whole-answers.js';
import { renderWire } from './wire.js';

/** Serves playlists, segments and the player page to viewers. */
export interface PlaybackServer {
  /** A listen error names its port. */
  listen(address: ListenAddress): Promise<void>;
  /** 0 on a socket of the file system. */
  readonly port: number;
  /** Viewers hold their connections open; they are not waited for. */
  close(): Promise<void>;
}

/** A port, or a socket of the file system. */
export type ListenAddress = { host: string; port: number } | { path: string };

export interface PlaybackServerOptions {
  finder: Finder;
  /** Answers what a connection cannot answer from memory. */
  handle: RequestHandler;
  held: HeldRequests;
  limits: AddressLimits;
  metrics: ViewerMetrics;
}

/** Viewers that connect at the same instant; Node's default of 511 refuses some of a large audience. */
const LISTEN_BACKLOG = 4096;
const MS_PER_SECOND = 1000;

/** HTTP/1.1 without encryption. */
export function createPlaybackServer(options: PlaybackServerOptions): PlaybackServer {
  const http = createHttpServer(
    {
      keepAliveTimeout: KEEP_ALIVE_SECONDS * MS_PER_SECOND,
      headersTimeout: HEAD_LIMIT_MS,
      requestTimeout: HEAD_LIMIT_MS,
      connectionsCheckingInterval: CHECK_MS,
      maxHeaderSize: MAX_HEAD_BYTES,
    },
    options.handle,
  );
  // It never listens itself; at this event it begins to keep track of its connections, time limits included.
  http.emit('listening');
  const viewers = new Set<ViewerConnection>();
  const { finder, limits, held, metrics } = options;
  const server = createServer({ noDelay: true }, (socket) => {
    if (!admitted(options, socket)) return;
    const viewer: ViewerConnection = new ViewerConnection(socket, {
      finder,
      held,
      metrics,
      limit: limits.heldBy(socket.remoteAddress),
      refusals: limits.refusalsOf(socket.remoteAddress),
      handOver: (taken, unread) => takeOver(http, taken, unread),
      onClose: () => viewers.delete(viewer),
    });
    viewers.add(viewer);
  });
  const timer = setInterval(() => {
    const now = performance.now();
    for (const viewer of viewers) viewer.check(now);
  }, CHECK_MS).unref();
  return {
    listen: (address) => listen(server, address),
    get port() {
      return portOf(server);
    },
    close: async () => {
      clearInterval(timer);
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      for (const viewer of viewers) viewer.destroy();
      http.closeAllConnections();
      http.close();
      await closed;
    },
  };
}

/** Counts the connection while it lasts; one too many of its address is told so and closed. */
function admitted({ limits, metrics }: PlaybackServerOptions, socket: Socket): boolean {
  const limit = limits.connectionsOf(socket.remoteAddress);
  if (!limit.take()) {
    const { status, headers, body } = errorAnswer(new HoldfastError('rate_limited'));
    const { head } = renderWire({ status, headers, body }, new Date());
    socket.on('error', () => socket.destroy());
    socket.end(head);
    metrics.answered('refused', status, 0);
    return false;
  }
  socket.once('close', () => limit.give());
  return true;
}

/** As a connection of its own, from the first byte that was not answered. */
function takeOver(http: HttpServer, socket: Socket, unread: Buffer): void {
  socket.pause();
  socket.unshift(unread);
  http.emit('connection', socket);
  socket.resume();
}

export function listen(server: Server, address: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen({ ...address, backlog: LISTEN_BACKLOG }, resolve);
  });
}

export function portOf(server: Server): number {
  const address = server.address() as AddressInfo | string;
  return typeof address === 'string' ? 0 : address.port;
}
