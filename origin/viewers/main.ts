import { once } from 'node:events';
import { dataPaths } from '../../platform/config/addresses.js';
import { readEnvironment, type Environment } from '../../platform/config/env.js';
import { createLogger, type Logger } from '../../platform/log/logger.js';
import { createRegistry } from '../../platform/ops/ops-server.js';
import { runEntry } from '../../platform/ops/run-entry.js';
import { explainListenError } from '../../platform/ops/listen-error.js';
import { socketFolder, viewerSocket } from '../packager/socket-paths.js';
import { answerOrigin } from './viewer-messages.js';
import { startViewerServer } from './viewer-server.js';

/*
 * One of the origin's viewer processes (HOLDFAST_VIEWER_PROCESSES); the origin starts it, and it ends with the origin.
 */

async function run(env: Environment, log: Logger): Promise<void> {
  const registry = createRegistry('origin-viewers');
  // The origin gets them too, and ends its viewer processes last.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => undefined);
  const { HOLDFAST_TLS_CERT: cert, HOLDFAST_TLS_KEY: key } = env;
  await startViewerServer({
    playback: { host: env.HOLDFAST_BIND, port: env.HOLDFAST_PLAYBACK_PORT },
    originSocket: viewerSocket(socketFolder(dataPaths(env.HOLDFAST_DATA_DIR).run)),
    tls: cert && key ? { cert, key } : null,
    limits: {
      connections: env.HOLDFAST_VIEWER_CONNECTIONS,
      held: env.HOLDFAST_VIEWER_HELD_REQUESTS,
      proxies: env.HOLDFAST_TRUSTED_PROXIES,
    },
    registry,
    log,
  }).catch((error: unknown) => {
    throw explainListenError(error, { [env.HOLDFAST_PLAYBACK_PORT]: 'HOLDFAST_PLAYBACK_PORT' });
  });
  answerOrigin(() => registry.getMetricsAsJSON());
  await once(process, 'disconnect');
}

const env = readEnvironment();
const log = createLogger('origin-viewers', env.HOLDFAST_LOG_LEVEL);
await runEntry(log, () => run(env, log));
