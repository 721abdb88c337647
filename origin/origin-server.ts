import { mkdir, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { AggregatorRegistry, type Registry } from 'prom-client';
import type { ControlAccess } from '../domain/contracts/control-access.js';
import type { Logger } from '../platform/log/logger.js';
import { startOpsServer, type ReadyCheck } from '../platform/ops/ops-server.js';
import { Broadcasts } from './broadcasts.js';
import { createControlApi } from './control/control-api.js';
import { AddressLimits, type AddressLimitsOptions } from './http/address-limits.js';
import { createRequestHandler } from './http/http-sender.js';
import { PlaybackAnswers, type PlaybackContent } from './http/playback-answers.js';
import { createPlaybackServer, portOf, type PlaybackServer, type PlaybackServerOptions } from './http/playback-server.js';
import { createSecurePlaybackServer, type TlsFiles } from './http/secure-server.js';
import { CHECKED_BEFORE, ViewerAccess, type Access, type VerifyPlaybackToken } from './http/viewer-access.js';
import { loadWebAssets } from './http/web-assets.js';
import { createOriginMetrics, type OriginMetrics } from './metrics.js';
import { checkedSocket, socketFolder, viewerSocket } from './packager/socket-paths.js';
import { HeldRequests } from './held-requests.js';
import { readBoot } from './store/boot.js';
import { PartStore } from './store/part-store.js';
import { SegmentCache } from './store/segment-cache.js';
import { startSweep } from './store/sweep.js';
import type { ViewerProcesses } from './viewers/viewer-processes.js';

export interface OriginServerOptions {
  playback: { host: string; port: number };
  /** Starts the processes that serve viewers instead of this one; null = it does so itself. */
  startViewers: (() => Promise<ViewerProcesses>) | null;
  control: { host: string; port: number };
  /** Who may use it. */
  access: ControlAccess;
  /** Segments and journals. */
  mediaDir: string;
  /** Parent of the socket folder. */
  runDir: string;
  /** Player page, style and script. */
  webDir: string;
  retentionHours: number;
  /** Newest segments of all broadcasts together, in memory. */
  cacheBytes: number;
  /** Seconds of a part of low-latency broadcasts, where the frame rate allows it. */
  partDuration: number;
  /** Playback over HTTPS; null = over HTTP. */
  tls: TlsFiles | null;
  limits: AddressLimitsOptions;
  verifyPlaybackToken: VerifyPlaybackToken;
  readyChecks: Record<string, ReadyCheck>;
  /** The disk has no room for segments: they are played from memory alone. */
  isDiskFull: () => boolean;
  registry: Registry;
  log: Logger;
}

export interface OriginServer {
  playbackPort: number;
  controlPort: number;
  broadcasts: Broadcasts;
  /** Writes everything that has come in, then stops; open broadcasts wait on disk for the next start. */
  close(): Promise<void>;
}

/** Only this user may feed or see the encoders' sockets. */
const OWNER_ONLY = 0o700;
/** Takes up what is on disk, then listens. A listen error names its port; nothing is left running behind it. */
export async function startOriginServer(options: OriginServerOptions): Promise<OriginServer> {
  const { log, registry, mediaDir, retentionHours } = options;
  const socketDir = socketFolder(options.runDir);
  await mkdir(socketDir, { recursive: true, mode: OWNER_ONLY });
  const cache = new SegmentCache(options.cacheBytes);
  const metrics = createOriginMetrics(registry);
  const assets = await loadWebAssets(options.webDir);
  const parts = new PartStore();
  const held = new HeldRequests();
  metrics.heldRequests.observe(() => held.size);
  const broadcasts = new Broadcasts({
    mediaDir,
    socketDir,
    cache,
    parts,
    held,
    partDuration: options.partDuration,
    metrics,
    isDiskFull: options.isDiskFull,
    boot: await readBoot(),
    log,
  });
  await broadcasts.load();

  const close = async (): Promise<void> => {
    await broadcasts.close();
    held.close();
    parts.close();
  };
  try {
    const server = await listen(options, { broadcasts, cache, parts, assets, held, metrics });
    const stopSweep = startSweep({ mediaDir, broadcasts, retentionHours, log });
    return {
      ...server,
      broadcasts,
      close: async () => {
        stopSweep();
        await server.stopCommands();
        await close();
        await server.close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

type Served = PlaybackServerOptions & { log: Logger };

interface Content extends Omit<PlaybackContent, 'access'> {
  held: HeldRequests;
  metrics: OriginMetrics;
}

/** Opens the ports. Nothing is left open behind an error. */
async function listen(options: OriginServerOptions, { held, metrics, ...content }: Content) {
  const { log, registry } = options;
  const limits = new AddressLimits(options.limits);
  const served = (access: Access): Served => {
    const sending = { finder: new PlaybackAnswers({ ...content, access }), held, limits, metrics, log };
    return { ...sending, handle: createRequestHandler(sending) };
  };
  const access = new ViewerAccess(options.verifyPlaybackToken);
  const { playback, viewers } = await openPlayback(options, served, access, viewerSocket(socketFolder(options.runDir)));
  const control = await startOpsServer({
    ...options.control,
    readyChecks: { ...options.readyChecks, ...(viewers ? { viewers: () => someRun(viewers) } : {}) },
    registry: viewers ? withViewers(registry, viewers) : registry,
    log,
    handle: createControlApi({ broadcasts: content.broadcasts, access: options.access, log }),
  }).catch(async (error: unknown) => {
    await Promise.all([playback.close(), viewers?.close()]);
    throw error;
  });
  return {
    playbackPort: viewers?.port ?? playback.port,
    controlPort: portOf(control),
    /** No command is taken any more, and no viewer process is left to ask. */
    stopCommands: async () => {
      control.close();
      await viewers?.close();
    },
    close: async () => void (await Promise.all([playback.close(), closed(control)])),
  };
}

/** To viewers, or to the processes that serve them; `viewers` null = there are none. */
async function openPlayback(
  { playback: address, tls, startViewers }: OriginServerOptions,
  served: (access: Access) => Served,
  access: Access,
  socket: string,
): Promise<{ playback: Pick<PlaybackServer, 'port' | 'close'>; viewers: ViewerProcesses | null }> {
  if (!startViewers) {
    const playback = tls ? await createSecurePlaybackServer(served(access), tls) : createPlaybackServer(served(access));
    await playback.listen(address);
    return { playback, viewers: null };
  }
  const servers = [
    { path: socket, server: createPlaybackServer(served(access)) },
    { path: checkedSocket(socket), server: createPlaybackServer(served(CHECKED_BEFORE)) },
  ];
  const close = async (): Promise<void> => void (await Promise.all(servers.map(({ server }) => server.close())));
  for (const { path, server } of servers) {
    // Left by an origin that was killed.
    await rm(path, { force: true });
    await server.listen({ path });
  }
  try {
    return { playback: { port: 0, close }, viewers: await startViewers() };
  } catch (error) {
    void close();
    throw error;
  }
}

async function someRun(viewers: ViewerProcesses): Promise<void> {
  if (viewers.running() === 0) throw new Error('no viewer process runs');
}

/** Counters of all processes; those of viewer processes together, with a process label of their own. */
function withViewers(registry: Registry, viewers: ViewerProcesses): Pick<Registry, 'contentType' | 'metrics'> {
  return {
    contentType: registry.contentType,
    metrics: async () => AggregatorRegistry.aggregate([await registry.getMetricsAsJSON(), ...(await viewers.metrics())]).metrics(),
  };
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
