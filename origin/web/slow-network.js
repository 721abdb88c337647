/*
 * A network that has become too slow for the picture. hls.js averages what it measures over seconds, weighted by how long
 * each load took: after minutes of a fast network that is many seconds of a slow one, and with low latency there is one second
 * to live on.
 */

/** One load may be slow for any reason; two in a row are the network. */
const SLOW_IN_A_ROW = 2;
/** Loads of so few bytes are over before they say anything. */
const MIN_BYTES = 4096;
const BITS_PER_BYTE = 8;
const MS_PER_SECOND = 1000;

/**
 * @param {number} slow loads in a row that were too slow before
 * @param {object} load
 * @param {number} load.bytes
 * @param {number} load.ms from the first byte to the last
 * @param {number} load.needed bit/s of the rendition
 * @returns {{slow: number, estimate: number | null}} `slow` from now on, and what to believe of the network (bit/s), if not the average
 */
export function judgeLoad(slow, { bytes, ms, needed }) {
  if (bytes < MIN_BYTES || ms <= 0) return { slow, estimate: null };
  const rate = (bytes * BITS_PER_BYTE * MS_PER_SECOND) / ms;
  if (rate >= needed) return { slow: 0, estimate: null };
  return slow + 1 < SLOW_IN_A_ROW ? { slow: slow + 1, estimate: null } : { slow: 0, estimate: rate };
}

/** Tells hls.js at once. */
export function watchNetwork(hls, events) {
  let slow = 0;
  hls.on(events.FRAG_LOADED, (_event, { frag, part }) => {
    if (frag.type !== 'main' || !hls.autoLevelEnabled) return;
    const { loaded, loading } = (part ?? frag).stats;
    const judged = judgeLoad(slow, { bytes: loaded, ms: loading.end - loading.first, needed: hls.levels[frag.level]?.bitrate ?? 0 });
    slow = judged.slow;
    if (judged.estimate !== null && judged.estimate < hls.bandwidthEstimate) hls.bandwidthEstimate = judged.estimate;
  });
}
