import type { Knex } from 'knex';

/** Where a page of a list begins: after the row with this time and id. */
export interface PageStart {
  createdAt: Date;
  id: string;
}

export interface PageRequest {
  after: PageStart | null;
  limit: number;
}

export interface Page<Item> {
  items: Item[];
  /** True when more rows follow the last item. */
  more: boolean;
}

export type PageOrder = 'newest first' | 'oldest first';

/**
 * Ordered by time, then id: the pair is unique, so that no row is shown twice or left out while new ones come.
 * Reads one row more than asked for, to know whether another page follows.
 */
export async function readPage<Row extends object>(
  query: Knex.QueryBuilder<Row, Row[]>,
  timeColumn: string,
  { after, limit }: PageRequest,
  pageOrder: PageOrder = 'newest first',
): Promise<Page<Row>> {
  const [order, beyond] = pageOrder === 'newest first' ? ['desc', '<'] : ['asc', '>'];
  const ordered = query.orderBy([timeColumn, 'id'].map((column) => ({ column, order }))).limit(limit + 1);
  if (after) void ordered.whereRaw(`(??, ??) ${beyond} (?, ?)`, [timeColumn, 'id', after.createdAt, after.id]);
  const rows = (await ordered) as Row[];
  return { items: rows.slice(0, limit), more: rows.length > limit };
}
