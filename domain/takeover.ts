/**
 * More segments than a broadcast can have in a second: half a second is the shortest regular one, and an encoder's start adds
 * a short one. Discontinuities and starts of encoders are fewer than segments.
 */
const SEGMENTS_PER_SECOND = 4;
/** For starts close to each other in the first seconds. */
const MARGIN = 100;
const MS_PER_SECOND = 1000;

/**
 * Number at which another host's segments and discontinuities begin: above every number that any host before it can have
 * used (RFC 8216bis 6.2.1: they only grow, also for a player that comes from the other host over a load balancer). The hosts
 * before may be gone, so it comes from how long the broadcast has lasted, not from what they would say.
 *
 * @param elapsedMs since the broadcast was opened
 */
export const firstSequenceAfter = (elapsedMs: number): number => Math.ceil(elapsedMs / MS_PER_SECOND) * SEGMENTS_PER_SECOND + MARGIN;
