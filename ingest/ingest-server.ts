import { once } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import type { ControlAccess } from '../domain/contracts/control-access.js';
import { type ReadyCheck, startOpsServer } from '../platform/ops/ops-server.js';
import { createControl } from './control.js';
import { Ingest, type IngestOptions } from './ingest.js';
import { SOCKET_OPTIONS } from './rtmp/rtmp-connection.js';

export interface IngestServerOptions extends IngestOptions {
  /** Where encoders connect; 0 = any free port. */
  rtmp: { host: string; port: number };
  /** Control, health and metrics, for this machine only. */
  control: { host: string; port: number };
  /** Who may use it. */
  access: ControlAccess;
  /** What the ingest depends on, beside its own listener. */
  readyChecks: Record<string, ReadyCheck>;
}

export interface RunningIngest {
  rtmpPort: number;
  controlPort: number;
  /** Takes no new broadcasts any more; see Ingest.drain. */
  drain(): void;
  /** Ends every publisher, tells their workflows (as far as that works in a few seconds) and stops listening. */
  close(): Promise<void>;
}

/** The launcher waits 10 s before it kills; a workflow that cannot be told learns it from the media worker. */
const CLOSE_LIMIT_MS = 4000;

/** Starts both listeners; rejects with the listen error (its `port` says which) when one is taken. */
export async function startIngestServer(options: IngestServerOptions): Promise<RunningIngest> {
  const { log } = options;
  const ingest = new Ingest(options);
  const rtmp = createServer(SOCKET_OPTIONS, (socket) => ingest.connect(socket));
  const control = await startListeners(options, ingest, rtmp).catch(async (error: unknown) => {
    rtmp.close();
    await ingest.close(0);
    throw error;
  });
  // Running out of file descriptors, say: this connection is lost, the others are not.
  rtmp.on('error', (error) => log.error({ reason: error.message }, 'RTMP listener'));
  return {
    rtmpPort: portOf(rtmp),
    controlPort: portOf(control),
    drain: () => ingest.drain(),
    async close() {
      const closed = once(rtmp, 'close');
      rtmp.close();
      await ingest.close(CLOSE_LIMIT_MS);
      control.close();
      control.closeAllConnections();
      await closed;
    },
  };
}

async function startListeners(options: IngestServerOptions, ingest: Ingest, rtmp: Server): Promise<HttpServer> {
  const { log, registry, control, access } = options;
  await listen(rtmp, options.rtmp);
  return startOpsServer({
    ...control,
    readyChecks: { rtmp: () => listening(rtmp), ...options.readyChecks },
    registry,
    log,
    handle: createControl({
      access,
      publishers: ingest.publishers,
      programmes: ingest.programmes,
      disconnect: (publisher, reason) => ingest.disconnect(publisher, reason),
      log,
    }),
  });
}

async function listen(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  server.listen(port, host);
  await once(server, 'listening');
}

async function listening(server: Server): Promise<void> {
  if (!server.listening) throw new Error('the RTMP listener is closed');
}

const portOf = (server: { address(): AddressInfo | string | null }): number => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The listener has no port');
  return address.port;
};
