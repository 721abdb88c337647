import { takesGzip } from './request-fields.js';

/** A request that can be answered from memory without looking further. */
export interface PlainRequest {
  /** Path and query. */
  target: string;
  gzip: boolean;
}

/** What the header fields of a request say, when nothing in them wants a fuller reading. */
export interface PlainFields {
  gzip: boolean;
}

const REQUEST_LINE = /^GET (\/[!-~]*) HTTP\/1\.1$/;
const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t -~\x80-\xff]*)$/;
/** A body, a condition, a range, another protocol: all lawful, and all left to the server that knows them. */
const WANTS_MORE = /^(content-length|transfer-encoding|trailer|te|expect|upgrade|range|if-[a-z-]+|http2-settings|proxy-connection)$/;

/** The target of a request line; null when it is no plain GET. */
export const plainTarget = (line: string): string | null => REQUEST_LINE.exec(line)?.[1] ?? null;

/**
 * The fields of a head, request line left out. null = malformed, or more than a plain request: nothing is guessed here, so
 * that no two readers of one connection can see different requests in it (RFC 9112, 11.2).
 */
export function plainFields(fields: string): PlainFields | null {
  let hosts = 0;
  let accepted = '';
  for (const line of fields.split('\r\n')) {
    const match = FIELD.exec(line);
    if (!match) return null;
    const name = match[1]!.toLowerCase();
    if (WANTS_MORE.test(name)) return null;
    if (name === 'host') hosts++;
    else if (name === 'accept-encoding') accepted += `,${match[2]}`;
    else if (name === 'connection' && match[2]!.trim().toLowerCase() !== 'keep-alive') return null;
  }
  return hosts === 1 ? { gzip: takesGzip(accepted) } : null;
}
