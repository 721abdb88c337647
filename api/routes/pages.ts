import type { Express } from 'express';
import { runReadyChecks } from '../../platform/ops/ops-server.js';
import type { ApiDependencies } from '../dependencies.js';
import { localsOf } from '../locals.js';
import { openApiDocument } from '../openapi.js';
import { DOCS_FILES, docsPage, docsScript } from '../pages/docs.js';
import { landingPage } from '../pages/landing.js';
import type { Route } from '../route.js';

/** Health and metrics come every few seconds: they are not worth a log line each. */
const OPS_PATHS = ['/healthz', '/readyz', '/metrics'] as const;
const PAGE_PATHS = ['/', '/docs', '/docs/start.js', ...Object.keys(DOCS_FILES), '/openapi.json'];

/** What needs no credential: health, metrics, the document and the pages about it. Returns their paths. */
export function mountPages(app: Express, routes: readonly Route[], deps: ApiDependencies): Pick<Route, 'method' | 'path'>[] {
  const document = JSON.stringify(openApiDocument(routes));
  const readyChecks = shared(() => runReadyChecks(deps.readyChecks));
  for (const path of PAGE_PATHS) {
    app.get(path, (_request, response, next) => {
      localsOf(response).route = path;
      next();
    });
  }
  app.get('/', (_request, response) => void response.type('html').send(landingPage));
  app.get('/docs', (_request, response) => void response.type('html').send(docsPage));
  app.get('/docs/start.js', (_request, response) => void response.type('js').send(docsScript));
  app.get('/openapi.json', (_request, response) => void response.type('json').send(document));
  for (const [path, file] of Object.entries(DOCS_FILES)) {
    app.get(path, (_request, response, next) => response.sendFile(file, (error) => error && next(error)));
  }
  app.get('/healthz', (_request, response) => void response.set('cache-control', 'no-store').json({ status: 'ok' }));
  app.get('/readyz', async (_request, response) => {
    const checks = await readyChecks();
    const ready = Object.values(checks).every((reason) => reason === null);
    response.set('cache-control', 'no-store').status(ready ? 200 : 503);
    response.json({ status: ready ? 'ready' : 'not ready', checks });
  });
  app.get('/metrics', async (_request, response) => {
    response.set('cache-control', 'no-store').set('content-type', deps.registry.contentType);
    response.send(await deps.registry.metrics());
  });
  return [...PAGE_PATHS, ...OPS_PATHS].map((path) => ({ method: 'get', path }));
}

/** Whoever asks while an answer is being found gets that one: anybody may ask, and it costs a query. */
function shared<T>(ask: () => Promise<T>): () => Promise<T> {
  let asking: Promise<T> | null = null;
  return () => (asking ??= ask().finally(() => (asking = null)));
}
