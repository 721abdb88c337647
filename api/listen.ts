import { createServer, type RequestListener, type Server } from 'node:http';

/** A request's headers and body must be here by then; slower clients only hold connections. */
const REQUEST_TIMEOUT_MS = 30_000;

export interface Listening {
  server: Server;
  /** Takes no new connections, lets running requests finish, and cuts off what is left after `limitMs`. */
  close(limitMs: number): Promise<void>;
}

/** Rejects with the error of `listen` (`EADDRINUSE` when the port is taken). */
export async function listen(listener: RequestListener, host: string, port: number): Promise<Listening> {
  let closing = false;
  const server = createServer((request, response) => {
    // Says `connection: close`, so that a client with many requests moves to another process.
    if (closing) response.shouldKeepAlive = false;
    listener(request, response);
  });
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    server,
    close: (limitMs) =>
      new Promise<void>((resolve, reject) => {
        closing = true;
        const cutOff = setTimeout(() => server.closeAllConnections(), limitMs);
        server.close((error) => {
          clearTimeout(cutOff);
          if (error) reject(error);
          else resolve();
        });
        server.closeIdleConnections();
      }),
  };
}
