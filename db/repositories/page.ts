import type { Knex } from 'knex';

/** Where a page of a newest-first list begins: after the row with this time and id. */
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

/**
 * Newest first by time, then id: the pair is unique, so that no row is shown twice or left out while new ones come.
 * Reads one row more than asked for, to know whether another page follows.
 */
export async function readPage<Row extends object>(
  query: Knex.QueryBuilder<Row, Row[]>,
  timeColumn: string,
  { after, limit }: PageRequest,
): Promise<Page<Row>> {
  const newestFirst = [timeColumn, 'id'].map((column) => ({ column, order: 'desc' }));
  const ordered = query.orderBy(newestFirst).limit(limit + 1);
  if (after) void ordered.whereRaw('(??, ??) < (?, ?)', [timeColumn, 'id', after.createdAt, after.id]);
  const rows = (await ordered) as Row[];
  return { items: rows.slice(0, limit), more: rows.length > limit };
}
