import type { Registry } from 'prom-client';
import type { Logger } from '../../platform/log/logger.js';
import { HeldRequests } from '../held-requests.js';
import { AddressLimits, type AddressLimitsOptions } from '../http/address-limits.js';
import { createRequestHandler } from '../http/http-sender.js';
import { createPlaybackServer } from '../http/playback-server.js';
import { createSecurePlaybackServer, type TlsFiles } from '../http/secure-server.js';
import { createViewerMetrics } from '../metrics.js';
import { checkedSocket } from '../packager/socket-paths.js';
import { OriginLink } from './origin-link.js';
import { SharedAnswers } from './shared-answers.js';
import { SharedLane } from './shared-lane.js';
import { createPassing } from './passing.js';
import { TokenChecks } from './token-checks.js';

export interface ViewerServerOptions {
  playback: { host: string; port: number };
  /** Socket of the origin this one serves for. */
  originSocket: string;
  tls: TlsFiles | null;
  /** Counted by each process for itself. */
  limits: AddressLimitsOptions;
  registry: Registry;
  log: Logger;
}

export interface ViewerServer {
  port: number;
  close(): Promise<void>;
}

/**
 * Serves viewers for an origin whose own core is not enough: the same addresses, answers and limits. However many of its
 * viewers wait for the same thing, the origin is asked once.
 */
export async function startViewerServer({
  playback,
  originSocket,
  tls,
  limits: given,
  registry,
  log,
}: ViewerServerOptions): Promise<ViewerServer> {
  const link = new OriginLink(originSocket);
  const checkedLink = new OriginLink(checkedSocket(originSocket));
  const held = new HeldRequests();
  const metrics = createViewerMetrics(registry);
  metrics.heldRequests.observe(() => held.size);
  const answers = new SharedAnswers(link, (key) => held.wake(key), checkedLink);
  const checks = new TokenChecks(link);
  const limits = new AddressLimits(given);
  const served = { finder: new SharedLane(answers, checks), held, limits, metrics, log };
  const handle = createRequestHandler({ ...served, ownWay: createPassing(link, checks, limits) });
  const server = tls ? await createSecurePlaybackServer({ ...served, handle }, tls) : createPlaybackServer({ ...served, handle });
  await server.listen(playback);
  return {
    port: server.port,
    close: async () => {
      held.close();
      await server.close();
      link.close();
      checkedLink.close();
    },
  };
}
