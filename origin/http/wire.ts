import { STATUS_CODES } from 'node:http';
import { KEEP_ALIVE_SECONDS } from './timeouts.js';

/** An answer as it goes onto a connection, shared by everyone who gets it. */
export interface Wire {
  status: number;
  /** The head; of a small answer the body as well. */
  head: Buffer;
  /** null = it is in `head`. */
  body: Buffer | null;
}

export interface WholeAnswer {
  status: number;
  headers: Record<string, string | number>;
  body: Buffer;
}

/** Up to here (bytes) head and body are one buffer and one write; above, copying costs more than it saves. */
const JOINED_BYTES = 16_384;
const MS_PER_SECOND = 1000;

interface Kept {
  second: number;
  wire: Wire;
}

const kept = new WeakMap<object, Map<string, Kept>>();

/**
 * Rendered once for everyone, and again when Date would be wrong.
 *
 * @param source what is sent; its wire lives as long as it does
 * @param variant what makes one answer with it differ from another
 */
export function wireOf(source: object, variant: string, answer: () => WholeAnswer, now = Date.now()): Wire {
  const second = Math.floor(now / MS_PER_SECOND);
  const variants = kept.get(source) ?? new Map<string, Kept>();
  kept.set(source, variants);
  const known = variants.get(variant);
  if (known?.second === second) return known.wire;
  const wire = renderWire(answer(), new Date(second * MS_PER_SECOND));
  variants.set(variant, { second, wire });
  return wire;
}

/** HTTP/1.1, connection kept. */
export function renderWire({ status, headers, body }: WholeAnswer, date: Date): Wire {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = Buffer.from(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}date: ${date.toUTCString()}\r\n` +
      `connection: keep-alive\r\nkeep-alive: timeout=${KEEP_ALIVE_SECONDS}\r\n\r\n`,
    'latin1',
  );
  return body.length <= JOINED_BYTES ? { status, head: Buffer.concat([head, body]), body: null } : { status, head, body };
}
