/** Wall clock (ms since 1970) at which a part was listed; beside the time of its arrival it tells how late it is. */
export const PUBLISHED_HEADER = 'holdfast-published';

const PREFLIGHT_SECONDS = 86_400;

/** On every answer, errors included: players on other sites must be able to read why something failed. */
export const OPEN_TO_ALL = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'Accept-Ranges, Content-Length, Content-Range, Date, ETag, Holdfast-Published, Retry-After',
  // Pages with cross-origin isolation may only embed what says so.
  'cross-origin-resource-policy': 'cross-origin',
} as const;

/** Of the answer to a preflight. */
export const PREFLIGHT = {
  'access-control-allow-methods': 'GET, HEAD, OPTIONS',
  'access-control-allow-headers': 'Range, If-None-Match, Cache-Control',
  'access-control-max-age': String(PREFLIGHT_SECONDS),
} as const;
