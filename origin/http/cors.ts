import type { ServerResponse } from 'node:http';

const PREFLIGHT_SECONDS = 86_400;

/** On every answer, errors included: players on other sites must be able to read why something failed. */
export function allowAllOrigins(response: ServerResponse): void {
  response.setHeader('access-control-allow-origin', '*');
  response.setHeader('access-control-expose-headers', 'Accept-Ranges, Content-Length, Content-Range, Date, ETag, Retry-After');
  // Pages with cross-origin isolation may only embed what says so.
  response.setHeader('cross-origin-resource-policy', 'cross-origin');
}

export function answerPreflight(response: ServerResponse): void {
  response.writeHead(204, {
    'access-control-allow-methods': 'GET, HEAD, OPTIONS',
    'access-control-allow-headers': 'Range, If-None-Match, Cache-Control',
    'access-control-max-age': String(PREFLIGHT_SECONDS),
  });
  response.end();
}
