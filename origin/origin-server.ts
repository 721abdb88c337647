import { mkdir, rm } from 'node:fs/promises';
import type { Server } from 'node:http';
import { AggregatorRegistry, type Registry } from 'prom-client';
import type { Logger } from '../platform/log/logger.js';
import { startOpsServer, type ReadyCheck } from '../platform/ops/ops-server.js';
import { Broadcasts } from './broadcasts.js';
import { createControlApi } from './control/control-api.js';
import { AddressLimits, type AddressLimitsOptions } from './http/address-limits.js';
import { ExpressLane } from './http/express-lane.js';
import { createPlaybackHandler } from './http/playback-handler.js';
import { createPlaybackServer, portOf, type PlaybackServer } from './http/playback-server.js';
import { createSecurePlaybackServer, type TlsFiles } from './http/secure-server.js';
import { ViewerAccess, type VerifyPlaybackToken } from './http/viewer-access.js';
import { loadWebAssets } from './http/web-assets.js';
import { createOriginMetrics } from './metrics.js';
import { socketFolder, viewerSocket } from './packager/socket-paths.js';
import { HeldRequests } from './held-requests.js';
import { PartStore } from './store/part-store.js';
import { SegmentCache } from './store/segment-cache.js';
import { startSweep } from './store/sweep.js';
import type { ViewerProcesses } from './viewers/viewer-processes.js';

export interface OriginServerOptions {
  playback: { host: string; port: number };
  /** Starts the processes that serve viewers instead of this one; null = it does so itself. */
  startViewers: (() => Promise<ViewerProcesses>) | null;
  control: { host: string; port: number };
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
    log,
  });
  await broadcasts.load();

  const access = new ViewerAccess(options.verifyPlaybackToken);
  const limits = new AddressLimits(options.limits);
  const content = { broadcasts, cache, parts, held, access, assets, limits, metrics, log };
  const served = { ...content, lane: new ExpressLane(content), handle: createPlaybackHandler(content) };
  const playback =
    options.tls && !options.startViewers ? await createSecurePlaybackServer(served, options.tls) : createPlaybackServer(served);
  const viewers = await openPlayback(options, playback, viewerSocket(socketDir));
  const control = await startOpsServer({
    ...options.control,
    readyChecks: { ...options.readyChecks, ...(viewers ? { viewers: () => someRun(viewers) } : {}) },
    registry: viewers ? withViewers(registry, viewers) : registry,
    log,
    handle: createControlApi(broadcasts, log),
  }).catch((error: unknown) => {
    void playback.close();
    void viewers?.close();
    throw error;
  });
  const stopSweep = startSweep({ mediaDir, broadcasts, retentionHours, log });
  return {
    playbackPort: viewers?.port ?? playback.port,
    controlPort: portOf(control),
    broadcasts,
    close: async () => {
      stopSweep();
      control.close();
      await viewers?.close();
      await broadcasts.close();
      held.close();
      await Promise.all([playback.close(), closed(control)]);
      parts.close();
    },
  };
}

/** To viewers, or to the processes that serve them; null = there are none. */
async function openPlayback(
  { playback: address, startViewers }: OriginServerOptions,
  playback: PlaybackServer,
  socket: string,
): Promise<ViewerProcesses | null> {
  if (!startViewers) {
    await playback.listen(address);
    return null;
  }
  // Left by an origin that was killed.
  await rm(socket, { force: true });
  await playback.listen({ path: socket });
  try {
    return await startViewers();
  } catch (error) {
    void playback.close();
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
