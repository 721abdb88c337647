/** The delivery directives of a playlist request (RFC 8216bis 6.2.5). */
export interface Directives {
  /** `_HLS_msn`; null = not asked. */
  msn: number | null;
  /** `_HLS_part` */
  part: number | null;
  /** `_HLS_skip=YES` or `v2` */
  skip: boolean;
}

/** Where a live playlist ends. */
export interface PlaylistEdge {
  /** Number of the segment that is open or comes next: all before it are listed. */
  msn: number;
  /** Parts of that segment listed so far. */
  parts: number;
  /** Parts of the segment before it; null when it has none that count (a gap, or there is no such segment). */
  partsBefore: number | null;
}

export type ReloadDecision = { kind: 'now' } | { kind: 'wait' } | { kind: 'refuse'; reason: string };

/** Segments after the last listed one that a client may wait for (6.2.5.2: "plus two" is too far). */
const MAX_SEGMENTS_AHEAD = 2;
/** Parts after the last listed one: three seconds of them, at least three (Advance Part Limit, 6.2.5.2). */
const ADVANCE_SECONDS = 3;
const DECIMAL_INTEGER = /^\d{1,15}$/;

/** What a query asks for, or why it is no lawful request (answered with 400). */
export function readDirectives(query: URLSearchParams): Directives | { reason: string } {
  const [msn, part] = [query.get('_HLS_msn'), query.get('_HLS_part')];
  if (msn !== null && !DECIMAL_INTEGER.test(msn)) return { reason: '_HLS_msn must be a decimal integer.' };
  if (part !== null && !DECIMAL_INTEGER.test(part)) return { reason: '_HLS_part must be a decimal integer.' };
  if (part !== null && msn === null) return { reason: '_HLS_part needs _HLS_msn beside it.' };
  const skip = query.get('_HLS_skip');
  return { msn: msn === null ? null : Number(msn), part: part === null ? null : Number(part), skip: skip === 'YES' || skip === 'v2' };
}

/**
 * What becomes of a request for a live playlist: answered now, held until what it names is listed, or refused as too
 * far ahead. Without `_HLS_part` the first part of the segment is waited for, as Apple's player means it.
 *
 * @param partTarget seconds
 */
export function decideReload({ msn, part }: Directives, edge: PlaylistEdge, partTarget: number): ReloadDecision {
  if (msn === null) return { kind: 'now' };
  if (isListed(msn, part, edge)) return { kind: 'now' };
  const lastListed = edge.parts > 0 ? edge.msn : edge.msn - 1;
  if (msn > lastListed + MAX_SEGMENTS_AHEAD)
    return { kind: 'refuse', reason: `_HLS_msn is more than ${MAX_SEGMENTS_AHEAD} after the last segment.` };
  const limit = partTarget < 1 ? Math.ceil(ADVANCE_SECONDS / partTarget) : ADVANCE_SECONDS;
  const lastPart = msn === edge.msn ? edge.parts - 1 : -1;
  if (part !== null && msn >= edge.msn && part > lastPart + limit) {
    return { kind: 'refuse', reason: `_HLS_part is more than ${limit} after the last part.` };
  }
  return { kind: 'wait' };
}

/** True when part `part` of segment `msn`, or anything after it, is listed. A part past a segment's last is the next one's first. */
export function isListed(msn: number, part: number | null, edge: PlaylistEdge): boolean {
  if (msn > edge.msn) return false;
  if (msn === edge.msn) return (part ?? 0) < edge.parts;
  const isPastEnd = msn === edge.msn - 1 && edge.partsBefore !== null && (part ?? 0) >= edge.partsBefore;
  return !isPastEnd || edge.parts > 0;
}
