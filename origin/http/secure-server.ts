import { unwatchFile, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createSecureServer } from 'node:http2';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { Logger } from '../../platform/log/logger.js';
import { listen, portOf, type PlaybackServer, type PlaybackServerOptions } from './playback-server.js';
import { CHECK_MS, HANDSHAKE_LIMIT_MS, HEAD_LIMIT_MS, IDLE_SESSION_MS, KEEP_ALIVE_SECONDS } from './timeouts.js';

/** Paths of PEM files: the certificate with its chain, and its key. */
export interface TlsFiles {
  cert: string;
  key: string;
}

export interface SecureServerOptions extends Pick<PlaybackServerOptions, 'handle' | 'limits'> {
  log: Logger;
}

/** Requests of one connection at a time: a player has four or five; RFC 9113, 6.5.2 wants no fewer than 100. */
const MAX_STREAMS = 100;
const MS_PER_SECOND = 1000;
/** How often the files are looked at: certificates are renewed days before they run out. */
const WATCH_MS = 2000;

/**
 * HTTP/2 and HTTP/1.1 over TLS. A certificate that is renewed on disk is taken up by itself; connections that are open
 * keep the old one. Rejects with a message that names the file when certificate or key cannot be used.
 */
export async function createSecurePlaybackServer(options: SecureServerOptions, files: TlsFiles): Promise<PlaybackServer> {
  const { handle } = options;
  const server = createSecureServer(
    {
      ...(await readPair(files)),
      allowHTTP1: true,
      handshakeTimeout: HANDSHAKE_LIMIT_MS,
      settings: { maxConcurrentStreams: MAX_STREAMS },
    },
    // What the handler uses is the same in both; see node:http2, "Compatibility API".
    (request, response) => handle(request as unknown as IncomingMessage, response as unknown as ServerResponse),
  );
  // Of connections without HTTP/2; node:http2 takes these as properties only.
  Object.assign(server, {
    keepAliveTimeout: KEEP_ALIVE_SECONDS * MS_PER_SECOND,
    headersTimeout: HEAD_LIMIT_MS,
    requestTimeout: HEAD_LIMIT_MS,
    connectionsCheckingInterval: CHECK_MS,
  });
  server.on('session', (session) => session.setTimeout(IDLE_SESSION_MS, () => session.close()));
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    const limit = options.limits.connectionsOf(socket.remoteAddress);
    // Nothing can be said before the handshake, and a handshake is what costs.
    if (!limit.take()) return socket.destroy();
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      limit.give();
    });
  });
  const stopWatching = watchPair(files, options, (pair) => server.setSecureContext(pair));
  return {
    listen: (address) => listen(server, address),
    get port() {
      return portOf(server);
    },
    close: async () => {
      stopWatching();
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

interface Pair {
  cert: Buffer;
  key: Buffer;
}

async function readPair(files: TlsFiles): Promise<Pair> {
  const [cert, key] = await Promise.all([readNamed('HOLDFAST_TLS_CERT', files.cert), readNamed('HOLDFAST_TLS_KEY', files.key)]);
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`HOLDFAST_TLS_CERT and HOLDFAST_TLS_KEY are no certificate with its key in PEM: ${reason}`, { cause: error });
  }
  return { cert, key };
}

async function readNamed(variable: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new Error(`${variable}: ${(error as Error).message}`, { cause: error });
  }
}

/** By name and not by file descriptor: renewing tools put a new file, or a new link, in the old one's place. */
function watchPair(files: TlsFiles, { log }: SecureServerOptions, take: (pair: Pair) => void): () => void {
  const paths = [files.cert, files.key];
  const changed = (): void => {
    readPair(files).then(
      (pair) => {
        take(pair);
        log.info('certificate taken up from disk');
      },
      // Seen between the writing of the two files, too; the second change sets it right.
      (error: unknown) => log.warn({ reason: String(error) }, 'the certificate on disk cannot be used; the one before is kept'),
    );
  };
  for (const path of paths) watchFile(path, { interval: WATCH_MS, persistent: false }, changed);
  return () => paths.forEach((path) => unwatchFile(path, changed));
}
