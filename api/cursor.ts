import { HoldfastError } from '../domain/errors.js';
import type { Page, PageStart } from '../platform/db/repositories/page.js';

/** `<list>:<milliseconds>:<id>`; the list's name keeps a cursor from being used with another list. */
const CURSOR = /^([a-z]+):(\d{1,15}):([A-Za-z0-9_-]{1,64})$/;

/** The place after this item, as text a client hands back untouched. */
export function encodeCursor(list: string, { createdAt, id }: PageStart): string {
  return Buffer.from(`${list}:${createdAt.getTime()}:${id}`, 'utf8').toString('base64url');
}

/** Throws `invalid_cursor` for anything that did not come from `encodeCursor` of the same list. */
export function decodeCursor(list: string, cursor: string | undefined): PageStart | null {
  if (cursor === undefined) return null;
  const [, name, milliseconds, id] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString('utf8')) ?? [];
  if (name !== list || milliseconds === undefined || id === undefined) throw new HoldfastError('invalid_cursor');
  return { createdAt: new Date(Number(milliseconds)), id };
}

/** The cursor of the page after this one, or null at the end. */
export function nextCursor<Item>(list: string, page: Page<Item>, startOf: (item: Item) => PageStart): string | null {
  const last = page.items.at(-1);
  return page.more && last !== undefined ? encodeCursor(list, startOf(last)) : null;
}
