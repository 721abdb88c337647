import type { RequestHandler } from 'express';
import { Histogram, type Registry } from 'prom-client';
import type { Logger } from '../../platform/log/logger.js';
import { localsOf } from '../locals.js';

/** Seconds; the last ones show what waits for a dependency that is away. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10];
const UNROUTED = 'none';

/**
 * One log line and one measurement per request. Neither holds the address that was asked for, only the route: people
 * put keys and tokens into addresses.
 */
export function observe(registry: Registry, log: Logger): RequestHandler {
  const durations = new Histogram({
    name: 'holdfast_http_request_duration_seconds',
    help: 'Time from the request to the end of its answer.',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS,
    registers: [registry],
  });
  return (request, response, next) => {
    const startedAt = process.hrtime.bigint();
    response.once('close', () => {
      const seconds = Number(process.hrtime.bigint() - startedAt) / 1e9;
      const { requestId, credential, errorCode, route = UNROUTED } = localsOf(response);
      const status = response.statusCode;
      durations.observe({ method: request.method, route, status }, seconds);
      const line = { requestId, method: request.method, route, status, ms: Math.round(seconds * 1000) };
      const level = route === UNROUTED ? 'debug' : 'info';
      log[level]({ ...line, apiKey: credential?.apiKey, code: errorCode }, 'request');
    });
    next();
  };
}
