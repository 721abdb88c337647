/** True unless the client refuses gzip (RFC 9110, 12.5.3). */
export const takesGzip = (header: string | undefined): boolean => /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/.test(header ?? '');

/** True when If-None-Match names this ETag, as a cache in between may have changed it (RFC 9110, 13.1.2: weak comparison, a list, `*`). */
export function isUnchanged(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((entry) => {
    const named = entry.trim().replace(/^W\//, '');
    return named === '*' || named === etag;
  });
}
