import type { Rendition } from '../domain/ladder.js';
import type { RunLine } from './store/journal-lines.js';

/*
 * Encoders of one broadcast need not have the same renditions: a host that is too slow leaves one out, and a publisher may
 * come back with a smaller picture. Whoever is playing a rendition that the present encoder has not is not to be stopped:
 * its playlist goes on with the segments of another one, its carrier, behind the discontinuity that every change of
 * encoders has (RFC 8216bis 4.4.4.3 allows other encoding parameters there).
 */

/** The best that is no better than `rendition`, or the smallest of its kind; null when the run has none of the kind. */
function nearest(rendition: Rendition, renditions: readonly Rendition[]): Rendition | null {
  const same = renditions.filter(({ kind }) => kind === rendition.kind).sort((a, b) => b.bitrate - a.bitrate);
  return same.find(({ bitrate }) => bitrate <= rendition.bitrate) ?? same.at(-1) ?? null;
}

const newestOf = (runs: readonly RunLine[], id: string): Rendition | undefined =>
  runs.flatMap(({ renditions }) => renditions).findLast((rendition) => rendition.id === id);

/** Whose segments a rendition's playlist shows in this run: its own, its carrier's, or none. */
export function carrierIn({ renditions }: RunLine, runs: readonly RunLine[], id: string): string | null {
  if (renditions.some((rendition) => rendition.id === id)) return id;
  const rendition = newestOf(runs, id);
  return (rendition && nearest(rendition, renditions)?.id) ?? null;
}

/** Renditions of earlier runs that the newest one has not → whose segments their playlists show now. */
export function presentCarriers(runs: readonly RunLine[]): Map<string, string> {
  const newest = runs.at(-1);
  const ids = new Set(runs.flatMap(({ renditions }) => renditions.map(({ id }) => id)));
  const carriers = [...ids].map((id) => [id, newest ? carrierIn(newest, runs, id) : null] as const);
  return new Map(carriers.filter((entry): entry is readonly [string, string] => entry[1] !== null && entry[1] !== entry[0]));
}

/** Everyone whose segments a rendition's playlist shows over the whole broadcast, itself included. */
export const carriersOver = (runs: readonly RunLine[], id: string): string[] => [
  ...new Set([id, ...runs.map((run) => carrierIn(run, runs, id)).filter((carrier) => carrier !== null)]),
];
