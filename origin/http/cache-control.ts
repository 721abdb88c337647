/** How long an answer may be kept. `private` = it was sent because of a viewer's token; no shared cache may keep it. */
export type Freshness = 'live' | 'reload' | 'ended' | 'init' | 'segment' | 'page' | 'asset' | 'error';

const HOUR_SECONDS = 3600;
const YEAR_SECONDS = 365 * 24 * HOUR_SECONDS;
/** The finished playlists never change; a short time is enough to take the load off. */
const ENDED_SECONDS = 10;
/** Three target durations: an answer to a blocking reload is asked for within that time or never. */
const RELOAD_SECONDS = 6;

const DIRECTIVES: Record<Exclude<Freshness, 'live' | 'error'>, string> = {
  ended: `max-age=${ENDED_SECONDS}`,
  reload: `max-age=${RELOAD_SECONDS}`,
  // Their names are never used for anything else.
  init: `max-age=${YEAR_SECONDS}, immutable`,
  segment: `max-age=${HOUR_SECONDS}, immutable`,
  page: `max-age=${ENDED_SECONDS}`,
  asset: `max-age=${HOUR_SECONDS}`,
};

export function cacheControl(freshness: Freshness, signed: boolean): string {
  // A live playlist may be kept but must be asked for again; an error must not outlive its cause.
  if (freshness === 'error') return 'no-store';
  if (freshness === 'live') return signed ? 'private, no-cache' : 'no-cache';
  return `${signed ? 'private' : 'public'}, ${DIRECTIVES[freshness]}`;
}
