/*
 * The quality menu, and with which quality to begin.
 */
import { watchNetwork } from './slow-network.js';

const $ = (id) => document.getElementById(id);

const BITS_PER_MEGABIT = 1_000_000;
/** Browsers round their estimate, and know nothing of the way to this server. */
const CAUTION = 0.5;
/** Bit/s: a middle rung, which most connections carry. */
const UNKNOWN_BANDWIDTH = 2_000_000;

/** Bit/s to choose the first quality by: the browser's own estimate, where it tells one. */
export function expectedBandwidth() {
  const megabits = navigator.connection?.downlink;
  return megabits ? megabits * BITS_PER_MEGABIT * CAUTION : UNKNOWN_BANDWIDTH;
}

/** Fills the menu, best first; one quality alone needs none. */
function listQualities(hls) {
  const select = $('quality');
  const name = (level) => {
    const side = Math.min(level.width, level.height);
    return side ? `${side}p${level.frameRate > 31 ? Math.round(level.frameRate) : ''}` : `${Math.round(level.bitrate / 1000)} kbit/s`;
  };
  const option = (label, index) => Object.assign(document.createElement('option'), { text: label, value: String(index) });
  const options = hls.levels.map((level, index) => option(name(level), index)).reverse();
  select.replaceChildren(option('Auto', -1), ...options);
  select.value = String(hls.autoLevelEnabled ? -1 : hls.loadLevel);
  $('quality-box').hidden = hls.levels.length < 2;
}

/** Shows beside `Auto` what plays now. */
export function labelAuto(hls) {
  const auto = $('quality').options[0];
  if (!auto) return;
  const current = [...$('quality').options].find((option) => option.value === String(hls.currentLevel));
  auto.text = hls.autoLevelEnabled && current ? `Auto · ${current.text}` : 'Auto';
}

/** The menu follows what hls.js knows and plays; hls.js follows the network. */
export function watchQuality(hls, events) {
  hls.on(events.MANIFEST_PARSED, () => listQualities(hls));
  hls.on(events.LEVEL_SWITCHED, () => labelAuto(hls));
  watchNetwork(hls, events);
}
