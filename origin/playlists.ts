import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Rendition } from '../domain/ladder.js';
import type { PlaylistEdge } from './hls/blocking-reload.js';
import { declaredRate, type DeclaredRate } from './hls/bandwidth.js';
import { liveWindowStart } from './hls/live-window.js';
import type { LowLatencyPlaylist, MediaPlaylist } from './hls/media-playlist.js';
import { mediaPlaylistLines, renderMediaPlaylist, skippableSegments } from './hls/media-playlist.js';
import type { RenditionReport } from './hls/low-latency.js';
import { renderMultivariantPlaylist, type MultivariantPlaylist, type Variant } from './hls/multivariant-playlist.js';
import type { MediaSegment } from './hls/segment.js';
import { carrierIn, carriersOver } from './carriers.js';
import { RenderedPlaylist } from './rendered-playlist.js';
import type { Soon } from './soon.js';
import { segmentFile } from './store/broadcast-folder.js';
import type { History, HistorySegment } from './store/history.js';

/** `index` slides while the broadcast runs and gets its end; `vod` is the whole of an ended broadcast. */
export type MediaPlaylistKind = 'index' | 'vod';

/** Closed segments whose parts are still listed: three target durations with the open one (RFC 8216bis 6.2.2). */
const SEGMENTS_WITH_PARTS = 2;

const rendered = new WeakMap<History, Map<string, RenderedPlaylist>>();
/** Long playlists on their way: whoever asks meanwhile gets the same one. */
const rendering = new WeakMap<History, Map<string, Promise<RenderedPlaylist>>>();

const of = <T>(maps: WeakMap<History, Map<string, T>>, history: History): Map<string, T> => {
  const known = maps.get(history) ?? new Map<string, T>();
  maps.set(history, known);
  return known;
};

function known(history: History, key: string): RenderedPlaylist | null {
  const playlist = rendered.get(history)?.get(key);
  return playlist?.version === history.version ? playlist : null;
}

function keep(history: History, key: string, text: string): RenderedPlaylist {
  const playlist = new RenderedPlaylist(history.open.broadcastId, history.version, text);
  of(rendered, history).set(key, playlist);
  return playlist;
}

/** @param key what is rendered */
const once = (history: History, key: string, render: () => string): RenderedPlaylist => known(history, key) ?? keep(history, key, render());

function onceAside(history: History, key: string, render: () => Promise<string>): Soon<RenderedPlaylist> {
  const playlists = of(rendering, history);
  const running = known(history, key) ?? playlists.get(key);
  if (running) return running;
  const started = render()
    .then((text) => keep(history, key, text))
    .finally(() => playlists.delete(key));
  playlists.set(key, started);
  return started;
}

/**
 * null when nothing can be played yet.
 *
 * @param folder of the broadcast as seen from the playlist's address, with its slash; '' = the playlist stands in it
 */
export function multivariantPlaylist(history: History, folder = `${history.open.broadcastId}/`): RenderedPlaylist | null {
  const run = history.playableRun;
  if (!run) return null;
  return once(history, `multivariant/${folder}`, () => renderMultivariantPlaylist(describeBroadcast(history, folder)));
}

/**
 * null when the broadcast has no such rendition, or is not over and has no on-demand playlist yet.
 *
 * @param skip a delta update is wanted; where there is none, it is the whole playlist
 */
export function mediaPlaylist(history: History, rendition: string, kind: MediaPlaylistKind, skip = false): Soon<RenderedPlaylist> | null {
  const ended = history.endedAt !== null;
  if (!hasRendition(history, rendition) || (kind === 'vod' && !ended)) return null;
  if (kind === 'vod') return onceAside(history, `${rendition}/vod`, () => renderOnDemand(history, rendition));
  const delta = skip && !ended && history.lowLatency !== null;
  return once(history, `${rendition}/index/${delta}`, () => {
    const playlist = describeLive(history, rendition);
    return renderMediaPlaylist(playlist, delta ? skippableSegments(playlist.segments, history.lowLatency!.canSkipUntil) : 0);
  });
}

/** Segments of a long playlist that are worked on in one go, some milliseconds; then live viewers come first. */
const SEGMENTS_AT_ONCE = 500;

/** The whole of an ended broadcast: a day has forty thousand segments. */
async function renderOnDemand(history: History, rendition: string): Promise<string> {
  const segments: MediaSegment[] = [];
  for (const [index, segment] of history.segments.entries()) {
    segments.push(describeSegment(history, segment, rendition, true));
    if ((index + 1) % SEGMENTS_AT_ONCE === 0) await nextTurn();
  }
  const lines: string[] = [];
  let before = 0;
  for (const line of mediaPlaylistLines({ ...describePlaylist(history, history.segments[0], segments), onDemand: true })) {
    lines.push(line);
    if (!line.startsWith('#') && ++before % SEGMENTS_AT_ONCE === 0) await nextTurn();
  }
  return `${lines.join('\n')}\n`;
}

/** Where a rendition's live playlist ends now. */
export const playlistEdge = (history: History, rendition: string): PlaylistEdge => history.edge!.position(rendition, history.nextMsn - 1);

function hasRendition(history: History, rendition: string): boolean {
  return history.runs.some((run) => history.count(run.run, rendition) > 0) || (history.edge?.lastMsn(rendition) ?? -1) >= 0;
}

/** What slides while the broadcast runs. */
function describeLive(history: History, rendition: string): MediaPlaylist {
  const { segments: all, continuousFrom, nextMsn } = history;
  const edge = describeEdge(history, rendition);
  // Behind a jump in the numbers nothing that was before it can be listed: a segment's number is its place in the list.
  const jumps = edge.length > 0 && all.length > 0 && all.at(-1)!.msn + 1 < nextMsn;
  const onDisk = all.slice(jumps ? all.length : Math.max(liveWindowStart(all), continuousFrom));
  const segments = [...onDisk.map((segment) => describeSegment(history, segment, rendition, false)), ...edge];
  const playlist = describePlaylist(history, onDisk[0], segments);
  return { ...playlist, ...describeLowLatency(history, rendition, segments, playlist.mediaSequence) };
}

/** @param first of the segments that are on disk */
const describePlaylist = (history: History, first: HistorySegment | undefined, segments: MediaSegment[]): MediaPlaylist => ({
  targetDuration: history.runs[0]!.targetDuration,
  mediaSequence: first?.msn ?? history.nextMsn,
  discontinuitySequence: (first?.discontinuities ?? history.lastJump) - Number(segments[0]?.discontinuity ?? false),
  segments,
  ended: history.endedAt !== null,
  onDemand: false,
});

/** What is listed before it is on disk. */
function describeEdge(history: History, rendition: string): MediaSegment[] {
  let run = history.segments.at(-1)?.run;
  return (history.edge?.following(rendition, history.nextMsn - 1) ?? []).map((segment) => {
    const discontinuity = run !== undefined && run !== segment.run;
    run = segment.run;
    const init = history.init(segment.run, segment.rendition);
    const folder = folderOf(rendition, segment.rendition);
    return {
      uri: `${folder}${segmentFile(segment.msn)}`,
      duration: segment.duration,
      programDateTime: segment.startMs,
      discontinuity,
      map: init ? `${folder}${init.file}` : null,
      gap: false,
    };
  });
}

/** Adds the parts to the newest segments, and what else a playlist in parts has. */
function describeLowLatency(
  history: History,
  rendition: string,
  segments: MediaSegment[],
  firstMsn: number,
): { lowLatency?: LowLatencyPlaylist } {
  const { edge, lowLatency: constants } = history;
  if (!constants) return {};
  // Over: what was promised stays in the playlist, there are no parts any more.
  if (!edge) return { lowLatency: { constants, hint: null, reports: [] } };
  const open = segments.at(-1)?.duration === null ? 1 : 0;
  const from = Math.max(0, segments.length - open - SEGMENTS_WITH_PARTS);
  for (let index = from; index < segments.length; index++) {
    const listed = edge.segment(rendition, firstMsn + index);
    if (!listed) continue;
    const folder = folderOf(rendition, listed.rendition);
    segments[index]!.parts = listed.parts.map(({ name, duration, independent }) => ({
      uri: `${folder}${name}`,
      duration,
      independent,
    }));
  }
  const hint = `${folderOf(rendition, edge.carrierOf(rendition))}${edge.nextPartName(rendition)}`;
  return { lowLatency: { constants, hint, reports: describeOthers(history, rendition) } };
}

/** Where the other playlists that a player may change to end. */
function describeOthers(history: History, rendition: string): RenditionReport[] {
  const others = (history.playableRun?.renditions ?? []).filter(({ id }) => id !== rendition);
  return others.map(({ id }) => {
    const { msn, parts, partsBefore } = playlistEdge(history, id);
    const uri = `../${id}/index.m3u8`;
    if (parts > 0) return { uri, lastMsn: msn, lastPart: parts - 1 };
    return { uri, lastMsn: Math.max(0, msn - 1), lastPart: partsBefore ? partsBefore - 1 : null };
  });
}

/** Relative to a rendition's playlist: where another one's files are. */
const folderOf = (rendition: string, carrier: string): string => (carrier === rendition ? '' : `../${carrier}/`);

function describeSegment(history: History, segment: HistorySegment, rendition: string, onDemand: boolean): MediaSegment {
  const { runs } = history;
  const run = runs.find((line) => line.run === segment.run);
  const carrier = (run && carrierIn(run, runs, rendition)) ?? rendition;
  const init = history.init(segment.run, carrier);
  // A header that never came to disk makes all behind it useless.
  const file = !init || (segment.lost && onDemand) ? undefined : segment.renditions[carrier];
  const folder = folderOf(rendition, carrier);
  return {
    uri: `${folder}${segmentFile(segment.msn)}`,
    duration: file?.[0] ?? segment.duration,
    programDateTime: file?.[2] ?? segment.startMs,
    discontinuity: segment.discontinuity,
    map: init ? `${folder}${init.file}` : null,
    gap: file === undefined,
  };
}

function describeBroadcast(history: History, folder: string): MultivariantPlaylist {
  const ended = history.endedAt !== null;
  const renditions = ended ? allRenditions(history) : history.playableRun!.renditions;
  const page = ended ? 'vod' : 'index';
  const uriOf = (id: string): string => `${folder}${id}/${page}.m3u8`;
  const audio = renditions.find((rendition) => rendition.kind === 'audio');
  const hasVideo = renditions.some((rendition) => rendition.kind === 'video');
  const described = renditions.filter((rendition) => rendition.kind === 'video' || !hasVideo);
  return {
    variants: described.map((rendition) => describeVariant(history, rendition, hasVideo ? audio : undefined, uriOf(rendition.id))),
    audio: audio && hasVideo ? { uri: uriOf(audio.id), name: 'Audio', channels: audio.channels } : null,
  };
}

/** Everything that was ever published, each as its newest run had it, best first. */
function allRenditions(history: History): Rendition[] {
  const byId = new Map<string, Rendition>();
  for (const run of history.runs) {
    for (const rendition of run.renditions) if (history.count(run.run, rendition.id) > 0) byId.set(rendition.id, rendition);
  }
  return [...byId.values()].sort((a, b) => b.bitrate - a.bitrate);
}

function describeVariant(history: History, rendition: Rendition, audio: Rendition | undefined, uri: string): Variant {
  const own = rateOf(history, rendition);
  const sound = audio ? rateOf(history, audio) : { peak: 0, average: 0 };
  const init = newestInit(history, rendition.id);
  const audioCodec = audio && newestInit(history, audio.id)?.codec;
  return {
    uri,
    bandwidth: own.peak + sound.peak,
    averageBandwidth: own.average + sound.average,
    codecs: [init?.codec, audioCodec].filter((codec) => codec !== undefined),
    ...(rendition.kind === 'video' && init ? { video: { width: init.width, height: init.height, frameRate: rendition.frameRate } } : {}),
  };
}

const newestInit = (history: History, rendition: string) =>
  history.runs.map(({ run }) => history.init(run, rendition)).findLast((init) => init !== undefined);

/** Of an ended broadcast that of whatever its playlist shows. */
function rateOf(history: History, rendition: Rendition): DeclaredRate {
  if (history.endedAt === null) return declaredRate(history.rate(rendition.id), rendition.bitrate);
  const rates = carriersOver(history.runs, rendition.id).map((id) => declaredRate(history.rate(id), null));
  return { peak: Math.max(...rates.map(({ peak }) => peak)), average: Math.max(...rates.map(({ average }) => average)) };
}
