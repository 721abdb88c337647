/*
 * The bar below the picture, and the keyboard.
 */
import { clock } from './clock.js';
import { labelAuto } from './quality.js';

const $ = (id) => document.getElementById(id);
const video = $('video');

/** Controls go away after this much stillness. */
const IDLE_MS = 3000;
/** Closer than this to the live edge (seconds) counts as live, with low latency and without. */
const LOW_LATENCY_EDGE_SECONDS = 4;
const EDGE_SECONDS = 12;
/** The shown latency is renewed this often. */
const LATENCY_MS = 500;

/** What plays: {player, state, play, replay} of player.js. */
let playback;

function edge() {
  const { seekable } = video;
  return seekable.length ? { start: seekable.start(0), end: seekable.end(seekable.length - 1) } : { start: 0, end: 0 };
}

/** Shows where the video is. */
export function updateControls() {
  const { start: first, end } = edge();
  const length = Math.max(0.001, end - first);
  const share = Math.min(1, Math.max(0, (video.currentTime - first) / length));
  if (!$('seek').matches(':active')) $('seek').value = String(Math.round(share * 1000));
  $('seek').style.setProperty('--filled', `${share * 100}%`);
  $('volume').value = String(video.muted ? 0 : video.volume);
  $('volume').style.setProperty('--filled', `${(video.muted ? 0 : video.volume) * 100}%`);
  document.body.classList.toggle('paused', video.paused && !playback.state.refilling);
  document.body.classList.toggle('muted', video.muted || video.volume === 0);
  $('play').setAttribute('aria-label', video.paused ? 'Play' : 'Pause');
  const atEdge =
    playback.state.isLive && !video.paused && behindEdge(end) < (playback.state.lowLatency ? LOW_LATENCY_EDGE_SECONDS : EDGE_SECONDS);
  $('badge').classList.toggle('at-edge', atEdge);
  $('go-live').hidden = atEdge || !playback.state.isLive;
  $('badge-text').textContent = playback.state.isLive ? 'Live' : document.body.dataset.state === 'ended' ? 'Ended' : 'Replay';
  $('time').textContent = playback.state.isLive ? '' : `${clock(video.currentTime - first)} / ${clock(end - first)}`;
}

/** Seconds behind the newest media, as hls.js knows it. */
const behindEdge = (end) => playback.player.hls?.latency || end - video.currentTime;

function showLatency() {
  const seconds = playback.state.isLive && !video.paused ? glassToGlass() : null;
  $('latency').textContent = seconds === null ? '' : `${seconds.toFixed(1)} s`;
}

/** Seconds since the encoder sent what is shown now, by the dates in the playlist; both clocks must be right. */
function glassToGlass() {
  const date = playback.player.hls?.playingDate;
  const seconds = date ? (Date.now() - date.getTime()) / 1000 : null;
  const PLAUSIBLE_SECONDS = 600;
  return seconds !== null && seconds > 0 && seconds < PLAUSIBLE_SECONDS ? seconds : null;
}

function goLive() {
  if (!playback.state.isLive) return;
  playback.state.wentBack = false;
  video.currentTime = playback.player.hls?.liveSyncPosition ?? edge().end;
  void playback.play();
}

function unmute() {
  video.muted = false;
  if (video.volume === 0) video.volume = 1;
  $('unmute').hidden = true;
}

let idleTimer;
/** The viewer does something: the controls are shown for a while. */
export function wakeUp() {
  document.body.classList.remove('idle');
  clearTimeout(idleTimer);
  idleTimer = setTimeout(() => {
    if (!video.paused && !document.querySelector('select:focus')) document.body.classList.add('idle');
  }, IDLE_MS);
}

function togglePlay() {
  const stopped = video.paused;
  playback.state.refilling = false;
  if (video.ended) playback.replay();
  else if (stopped) void playback.play();
  else {
    playback.state.wentBack = true;
    video.pause();
  }
}

/** @param what plays: `player` {hls, video}, `state`, and how to `play` and `replay` */
export function attachControls(given) {
  playback = given;
  setInterval(showLatency, LATENCY_MS);
  for (const event of ['timeupdate', 'play', 'pause', 'volumechange', 'progress', 'durationchange']) {
    video.addEventListener(event, updateControls);
  }
  video.addEventListener('volumechange', () => {
    if (!video.muted) $('unmute').hidden = true;
  });

  $('play').addEventListener('click', togglePlay);
  video.addEventListener('click', togglePlay);
  $('big-play').addEventListener('click', playback.replay);
  $('unmute').addEventListener('click', unmute);
  $('mute').addEventListener('click', () => (video.muted ? unmute() : (video.muted = true)));
  $('volume').addEventListener('input', () => {
    video.volume = Number($('volume').value);
    video.muted = video.volume === 0;
  });
  $('seek').addEventListener('change', () => {
    const { start: first, end } = edge();
    video.currentTime = first + (Number($('seek').value) / 1000) * (end - first);
    playback.state.wentBack = true;
  });
  $('badge').addEventListener('click', goLive);
  $('go-live').addEventListener('click', goLive);
  $('quality').addEventListener('change', () => {
    if (!playback.player.hls) return;
    playback.player.hls.nextLevel = Number($('quality').value);
    labelAuto(playback.player.hls);
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
}
