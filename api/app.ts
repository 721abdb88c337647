import express, { type Express } from 'express';
import helmet from 'helmet';
import { HoldfastError } from '../domain/errors.js';
import { networkList } from '../platform/ops/network-list.js';
import type { ApiDependencies } from './dependencies.js';
import { observe } from './middleware/observe.js';
import { problemHandler } from './middleware/problem.js';
import { requestId } from './middleware/request-id.js';
import { mountRoutes } from './mount.js';
import { refuseOtherMethods } from './refuse-methods.js';
import { apiRoutes } from './routes/index.js';
import { mountPages } from './routes/pages.js';

/** Pages load from this server alone. Swagger UI styles its elements inline and has its icons in data: URLs. */
const CONTENT_SECURITY_POLICY = {
  defaultSrc: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'", "'unsafe-inline'"],
  imgSrc: ["'self'", 'data:'],
  fontSrc: ["'self'", 'data:'],
  connectSrc: ["'self'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
};

/** The whole API as an Express app; it listens nowhere yet. */
export function createApp(deps: ApiDependencies): Express {
  const app = express();
  const routes = apiRoutes(deps);
  app.set('etag', false);
  if (deps.trustedProxies.length > 0) app.set('trust proxy', networkList(deps.trustedProxies));
  app.use(requestId, observe(deps.registry, deps.log));
  app.use(
    helmet({
      contentSecurityPolicy: { useDefaults: false, directives: CONTENT_SECURITY_POLICY },
      // Whether there is TLS in front is not known here, and these would be wrong, or warned about, without it.
      strictTransportSecurity: false,
      crossOriginOpenerPolicy: false,
      originAgentCluster: false,
    }),
  );
  mountRoutes(app, routes, deps);
  const pages = mountPages(app, routes, deps);
  refuseOtherMethods(app, [...routes, ...pages]);
  app.use(() => {
    throw new HoldfastError('not_found');
  });
  app.use(problemHandler(deps.log));
  return app;
}
