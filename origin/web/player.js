/*
 * Plays one playback id: waits until there is something, starts by itself, recovers from what can be recovered.
 * `window.holdfastPlayer` = {hls, video} for tests and for pages that embed this one.
 */
import { bufferedAhead } from './buffered.js';
import { clock } from './clock.js';
import { LiveDistance } from './live-distance.js';
import { expectedBandwidth, labelAuto, watchQuality } from './quality.js';

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
/** Controls go away after this much stillness. */
const IDLE_MS = 3000;
/**
 * A viewer of the first seconds has one segment and plays into nothing again and again: after running dry the picture
 * waits this long, with at least this much (seconds) ahead, and keeps that margin from then on.
 */
const REFILL_MS = 1000;
const REFILL_SECONDS = 1.5;
const REFILL_POLL_MS = 100;
/** Closer than this to the live edge (seconds) counts as live, with low latency and without. */
const LOW_LATENCY_EDGE_SECONDS = 4;
const EDGE_SECONDS = 12;
/** More than hls.js stays behind without low latency, three. */
const STARVED_TARGET_DURATIONS = 4;
/** The shown latency is renewed this often. */
const LATENCY_MS = 500;

const player = { hls: null, video };
window.holdfastPlayer = player;

let recoveries = 0;
let lastRecoveryAt = 0;
let isLive = true;
let lowLatency = false;
let generation = 0;
let refilling = false;
/** The picture has moved since the last start: what runs dry now is a stall, not the beginning. */
let hasPlayed = false;
/** The viewer paused or went back in time, and has not come back to live. */
let wentBack = false;
const distance = new LiveDistance(video, () => ({ hls: player.hls, isLive, ahead: bufferedAhead(video), onPurpose: wentBack }));

const MESSAGES = {
  waiting: ['Waiting for the stream', 'It starts by itself as soon as the broadcast is live.'],
  buffering: ['One moment', 'The picture is on its way.'],
  offline: ['Connection lost', 'Trying again …'],
  refused: ['This stream needs a valid link', 'The token in the address is missing, has expired, or is for another stream.'],
  ended: ['The broadcast has ended', 'Press play to watch it again.'],
  failed: ['This browser cannot play the stream', 'Please try a current version of Chrome, Edge, Firefox or Safari.'],
};

function show(state, message) {
  document.body.dataset.state = state;
  if (!message) return;
  [$('message-title').textContent, $('message-detail').textContent] = MESSAGES[message];
}

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
  wentBack = false;
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
    lowLatency = details.partTarget > 0;
    distance.loaded(details);
  });
  hls.on(Hls.Events.LEVEL_UPDATED, (_event, { details }) => {
    isLive = details.live;
    if (!isLive && video.ended) onEnded();
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
    isLive = video.duration === Infinity;
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
  if (isLive || !player.hls || video.ended || video.duration - video.currentTime > END_TOLERANCE_SECONDS) return;
  player.hls.trigger(Hls.Events.BUFFER_EOS, {});
}

/** Live and out of media: stands still until there is a margin. */
async function refill() {
  if (!hasPlayed || refilling || !isLive || !player.hls || video.paused || video.seeking) return;
  distance.stalled();
  // With low latency the margin grows with the stalls: standing still would only add to the delay.
  if (lowLatency) return;
  // Not dry but before a hole: hls.js jumps it, and only while the video plays.
  if (bufferedAhead(video) >= REFILL_SECONDS) return;
  const mine = generation;
  refilling = true;
  video.pause();
  await delay(REFILL_MS);
  while (refilling && mine === generation && isLive && bufferedAhead(video) < REFILL_SECONDS) await delay(REFILL_POLL_MS);
  if (refilling && mine === generation) void play();
  refilling = false;
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

function edge() {
  const { seekable } = video;
  return seekable.length ? { start: seekable.start(0), end: seekable.end(seekable.length - 1) } : { start: 0, end: 0 };
}

function updateControls() {
  const { start: first, end } = edge();
  const length = Math.max(0.001, end - first);
  const share = Math.min(1, Math.max(0, (video.currentTime - first) / length));
  if (!$('seek').matches(':active')) $('seek').value = String(Math.round(share * 1000));
  $('seek').style.setProperty('--filled', `${share * 100}%`);
  $('volume').value = String(video.muted ? 0 : video.volume);
  $('volume').style.setProperty('--filled', `${(video.muted ? 0 : video.volume) * 100}%`);
  document.body.classList.toggle('paused', video.paused && !refilling);
  document.body.classList.toggle('muted', video.muted || video.volume === 0);
  $('play').setAttribute('aria-label', video.paused ? 'Play' : 'Pause');
  const atEdge = isLive && !video.paused && behindEdge(end) < (lowLatency ? LOW_LATENCY_EDGE_SECONDS : EDGE_SECONDS);
  $('badge').classList.toggle('at-edge', atEdge);
  $('go-live').hidden = atEdge || !isLive;
  $('badge-text').textContent = isLive ? 'Live' : document.body.dataset.state === 'ended' ? 'Ended' : 'Replay';
  $('time').textContent = isLive ? '' : `${clock(video.currentTime - first)} / ${clock(end - first)}`;
}

/** Seconds behind the newest media, as hls.js knows it. */
const behindEdge = (end) => player.hls?.latency || end - video.currentTime;

function showLatency() {
  const seconds = isLive && !video.paused ? glassToGlass() : null;
  $('latency').textContent = seconds === null ? '' : `${seconds.toFixed(1)} s`;
}

/** Seconds since the encoder sent what is shown now, by the dates in the playlist; both clocks must be right. */
function glassToGlass() {
  const date = player.hls?.playingDate;
  const seconds = date ? (Date.now() - date.getTime()) / 1000 : null;
  const PLAUSIBLE_SECONDS = 600;
  return seconds !== null && seconds > 0 && seconds < PLAUSIBLE_SECONDS ? seconds : null;
}

function goLive() {
  if (!isLive) return;
  wentBack = false;
  video.currentTime = player.hls?.liveSyncPosition ?? edge().end;
  void play();
}

function unmute() {
  video.muted = false;
  if (video.volume === 0) video.volume = 1;
  $('unmute').hidden = true;
}

setInterval(showLatency, LATENCY_MS);

let idleTimer;
function wakeUp() {
  document.body.classList.remove('idle');
  clearTimeout(idleTimer);
  idleTimer = setTimeout(() => {
    if (!video.paused && !document.querySelector('select:focus')) document.body.classList.add('idle');
  }, IDLE_MS);
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
for (const event of ['timeupdate', 'play', 'pause', 'volumechange', 'progress', 'durationchange']) {
  video.addEventListener(event, updateControls);
}
video.addEventListener('volumechange', () => {
  if (!video.muted) $('unmute').hidden = true;
});

function togglePlay() {
  const stopped = video.paused;
  refilling = false;
  if (video.ended) replay();
  else if (stopped) void play();
  else {
    wentBack = true;
    video.pause();
  }
}
$('play').addEventListener('click', togglePlay);
video.addEventListener('click', togglePlay);
$('big-play').addEventListener('click', replay);
$('unmute').addEventListener('click', unmute);
$('mute').addEventListener('click', () => (video.muted ? unmute() : (video.muted = true)));
$('volume').addEventListener('input', () => {
  video.volume = Number($('volume').value);
  video.muted = video.volume === 0;
});
$('seek').addEventListener('change', () => {
  const { start: first, end } = edge();
  video.currentTime = first + (Number($('seek').value) / 1000) * (end - first);
  wentBack = true;
});
$('badge').addEventListener('click', goLive);
$('go-live').addEventListener('click', goLive);
$('quality').addEventListener('change', () => {
  if (!player.hls) return;
  player.hls.nextLevel = Number($('quality').value);
  labelAuto(player.hls);
});
$('fullscreen').addEventListener('click', () => {
  if (document.fullscreenElement) void document.exitFullscreen();
  else if ($('player').requestFullscreen) void $('player').requestFullscreen();
  else video.webkitEnterFullscreen?.();
});
for (const event of ['pointermove', 'pointerdown', 'keydown']) document.addEventListener(event, wakeUp);
document.addEventListener('keydown', (event) => {
  if (event.target !== document.body) return;
  const SEEK_SECONDS = 5;
  const keys = {
    ' ': togglePlay,
    k: togglePlay,
    m: () => $('mute').click(),
    f: () => $('fullscreen').click(),
    ArrowLeft: () => (video.currentTime -= SEEK_SECONDS),
    ArrowRight: () => (video.currentTime += SEEK_SECONDS),
  };
  if (!keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});

void start();
