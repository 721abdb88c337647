/*
 * Plays one playback id: waits until there is something, starts by itself, recovers from what can be recovered.
 * `window.holdfastPlayer` = {hls, video} for tests and for pages that embed this one.
 */
import { bufferedAhead } from './buffered.js';
import { attachControls, updateControls, wakeUp } from './controls.js';
import { LiveDistance } from './live-distance.js';
import { show } from './messages.js';
import { expectedBandwidth, watchQuality } from './quality.js';

const Hls = window.Hls;
const $ = (id) => document.getElementById(id);
const video = $('video');
/** A token stands in front of the page's own path, and so in front of everything below it. */
const playlistUrl = new URL('index.m3u8', location.href).href;

/** The origin answers as soon as there is something to play; where a proxy in between does not wait, this is the pause. */
const waitUrl = new URL(playlistUrl);
waitUrl.searchParams.set('wait', '1');
const POLL_MS = 250;
/** A refused token does not become good by asking often. */
const REFUSED_POLL_MS = 5000;
/** Fatal errors in a row before the page starts over from the multivariant playlist. */
const MAX_RECOVERIES = 3;
const RECOVERY_PAUSE_MS = 1000;
/** Errors further apart than this do not count as a row. */
const RECOVERY_MEMORY_MS = 15_000;
/**
 * A viewer of the first seconds has one segment and plays into nothing again and again: after running dry the picture
 * waits this long, with at least this much (seconds) ahead, and keeps that margin from then on.
 */
const REFILL_MS = 1000;
const REFILL_SECONDS = 1.5;
const REFILL_POLL_MS = 100;
/** More than hls.js stays behind without low latency, three. */
const STARVED_TARGET_DURATIONS = 4;
const player = { hls: null, video };
window.holdfastPlayer = player;

/** What the controls want to know as well. */
const state = {
  isLive: true,
  lowLatency: false,
  /** Stands still on purpose, until there is a margin. */
  refilling: false,
  /** The viewer paused or went back in time, and has not come back to live. */
  wentBack: false,
};
let recoveries = 0;
let lastRecoveryAt = 0;
let generation = 0;
/** The picture has moved since the last start: what runs dry now is a stall, not the beginning. */
let hasPlayed = false;
const distance = new LiveDistance(video, () => ({
  hls: player.hls,
  isLive: state.isLive,
  ahead: bufferedAhead(video),
  onPurpose: state.wentBack,
}));

const delay = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves when the multivariant playlist is there. */
async function untilPlayable(mine) {
  while (mine === generation) {
    const askedAt = Date.now();
    let pause = POLL_MS;
    try {
      const response = await fetch(waitUrl, { cache: 'no-store' });
      if (response.ok) return true;
      if (Date.now() - askedAt > POLL_MS) pause = 0;
      const refused = response.status === 401 || response.status === 403;
      if (refused) pause = REFUSED_POLL_MS;
      show(refused ? 'refused' : 'waiting', refused ? 'refused' : 'waiting');
    } catch {
      show('waiting', 'offline');
    }
    await delay(pause);
  }
  return false;
}

async function start() {
  state.wentBack = false;
  const mine = ++generation;
  player.hls?.destroy();
  player.hls = null;
  hasPlayed = false;
  distance.reset();
  show('waiting', 'waiting');
  // Made before there is anything to play: opening the browser's media source takes a moment of its own.
  const hls = Hls?.isSupported() ? createHls() : null;
  if (!(await untilPlayable(mine))) return;
  show('buffering', 'buffering');
  if (hls) hls.loadSource(playlistUrl);
  else if (video.canPlayType('application/vnd.apple.mpegurl')) startNative();
  else show('failed', 'failed');
}

function createHls() {
  const hls = new Hls({
    // How far behind the edge: what the playlist holds back, or three segments where it says nothing. Setting
    // liveSyncDurationCount here, even to its default, would overrule the playlist.
    lowLatencyMode: true,
    // The rate is ours, and what a stall adds to the delay: see live-distance.js.
    maxLiveSyncPlaybackRate: 1,
    liveSyncOnStallIncrease: 0,
    // A test fragment would be loaded and thrown away before the first that is shown.
    testBandwidth: false,
    abrEwmaDefaultEstimate: expectedBandwidth(),
    backBufferLength: 60,
  });
  // Starved and this far behind: what was missed is not shown, the picture goes on at the edge. Given to the constructor
  // it would ask for liveSyncDurationCount beside it.
  hls.config.liveMaxLatencyDurationCount = STARVED_TARGET_DURATIONS;
  player.hls = hls;
  hls.on(Hls.Events.MANIFEST_PARSED, () => void play());
  hls.on(Hls.Events.LEVEL_LOADED, (_event, { details }) => {
    state.lowLatency = details.partTarget > 0;
    distance.loaded(details);
  });
  hls.on(Hls.Events.LEVEL_UPDATED, (_event, { details }) => {
    state.isLive = details.live;
    if (!state.isLive && video.ended) onEnded();
    if (video.readyState < video.HAVE_FUTURE_DATA) endIfComplete();
  });
  watchQuality(hls, Hls.Events);
  hls.on(Hls.Events.ERROR, (_event, data) => {
    if (data.fatal) recover(hls, data);
  });
  hls.attachMedia(video);
  return hls;
}

function startNative() {
  video.src = playlistUrl;
  video.addEventListener('durationchange', () => {
    state.isLive = video.duration === Infinity;
  });
  video.addEventListener('error', () => void delay(RECOVERY_PAUSE_MS).then(start), { once: true });
  void play();
}

/** First the cheap way; after a few in a row everything from the start. */
async function recover(hls, data) {
  const now = Date.now();
  recoveries = now - lastRecoveryAt > RECOVERY_MEMORY_MS ? 1 : recoveries + 1;
  lastRecoveryAt = now;
  const known = data.type === Hls.ErrorTypes.MEDIA_ERROR || data.type === Hls.ErrorTypes.NETWORK_ERROR;
  if (!known || recoveries > MAX_RECOVERIES || data.details === Hls.ErrorDetails.MANIFEST_LOAD_ERROR) {
    await delay(RECOVERY_PAUSE_MS);
    if (hls === player.hls) await start();
  } else if (data.type === Hls.ErrorTypes.MEDIA_ERROR) {
    hls.recoverMediaError();
    void play();
  } else {
    show('buffering', 'offline');
    await delay(RECOVERY_PAUSE_MS);
    if (hls === player.hls) hls.startLoad();
  }
}

/** Browsers start muted video without being asked; where they do not, a button does. */
async function play() {
  try {
    await video.play();
  } catch (error) {
    if (error.name === 'NotAllowedError') $('big-play').hidden = false;
  }
}

/**
 * hls.js takes a hole in the sound (of a frame, where an encoder began anew) for media still missing and then never ends
 * the video. Dry within this distance (seconds) of the end of a finished playlist is the end.
 */
const END_TOLERANCE_SECONDS = 0.25;

function endIfComplete() {
  if (state.isLive || !player.hls || video.ended || video.duration - video.currentTime > END_TOLERANCE_SECONDS) return;
  player.hls.trigger(Hls.Events.BUFFER_EOS, {});
}

/** Live and out of media: stands still until there is a margin. */
async function refill() {
  if (!hasPlayed || state.refilling || !state.isLive || !player.hls || video.paused || video.seeking) return;
  distance.stalled();
  // With low latency the margin grows with the stalls: standing still would only add to the delay.
  if (state.lowLatency) return;
  // Not dry but before a hole: hls.js jumps it, and only while the video plays.
  if (bufferedAhead(video) >= REFILL_SECONDS) return;
  const mine = generation;
  state.refilling = true;
  video.pause();
  await delay(REFILL_MS);
  while (state.refilling && mine === generation && state.isLive && bufferedAhead(video) < REFILL_SECONDS) await delay(REFILL_POLL_MS);
  if (state.refilling && mine === generation) void play();
  state.refilling = false;
}

function onEnded() {
  show('ended', 'ended');
  $('big-play').hidden = false;
  updateControls();
}

/** The stream may have gone on with a new broadcast; what is played again is what there is now. */
function replay() {
  $('big-play').hidden = true;
  if (document.body.dataset.state !== 'ended') return void play();
  void start();
}

video.addEventListener('playing', () => {
  hasPlayed = true;
  distance.playing();
  show('playing');
  $('big-play').hidden = true;
  $('controls').hidden = false;
  $('unmute').hidden = !video.muted;
  wakeUp();
});
video.addEventListener('waiting', () => {
  if (video.ended) return;
  show('buffering', 'buffering');
  endIfComplete();
  void refill();
});
video.addEventListener('ended', onEnded);

attachControls({ player, state, play, replay });
void start();
