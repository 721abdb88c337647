import { gzipSync } from 'node:zlib';
import type { Rendition } from '../domain/ladder.js';
import { declaredRate, type DeclaredRate } from '../hls/bandwidth.js';
import { liveWindowStart } from '../hls/live-window.js';
import { renderMediaPlaylist } from '../hls/media-playlist.js';
import { renderMultivariantPlaylist, type MultivariantPlaylist, type Variant } from '../hls/multivariant-playlist.js';
import type { MediaSegment } from '../hls/segment.js';
import { segmentFile } from './store/broadcast-folder.js';
import type { History, HistorySegment } from './store/history.js';

/** A playlist as it is sent; rendered and compressed once per version. */
export interface RenderedPlaylist {
  version: number;
  plain: Buffer;
  gzip: Buffer;
}

/** `index` slides while the broadcast runs and gets its end; `vod` is the whole of an ended broadcast. */
export type MediaPlaylistKind = 'index' | 'vod';

const rendered = new WeakMap<History, Map<string, RenderedPlaylist>>();

/**
 * @param key what is rendered, without the query
 * @param query carried on to every URI, `?token=…` or nothing; such playlists belong to one viewer and are not kept
 */
function once(history: History, key: string, query: string, render: () => string): RenderedPlaylist {
  const playlists = rendered.get(history) ?? new Map<string, RenderedPlaylist>();
  rendered.set(history, playlists);
  const known = playlists.get(key);
  if (query === '' && known?.version === history.version) return known;
  const plain = Buffer.from(render());
  const playlist = { version: history.version, plain, gzip: gzipSync(plain) };
  if (query === '') playlists.set(key, playlist);
  return playlist;
}

/** null when nothing can be played yet. */
export function multivariantPlaylist(history: History, query: string): RenderedPlaylist | null {
  const run = history.playableRun;
  if (!run) return null;
  return once(history, 'multivariant', query, () => renderMultivariantPlaylist(describeBroadcast(history, query)));
}

/** null when the broadcast has no such rendition, or is not over and has no on-demand playlist yet. */
export function mediaPlaylist(history: History, rendition: string, kind: MediaPlaylistKind, query: string): RenderedPlaylist | null {
  const known = history.runs.some((run) => history.count(run.run, rendition) > 0);
  if (!known || (kind === 'vod' && history.endedAt === null)) return null;
  return once(history, `${rendition}/${kind}`, query, () => renderMedia(history, rendition, kind, query));
}

function renderMedia(history: History, rendition: string, kind: MediaPlaylistKind, query: string): string {
  const onDemand = kind === 'vod';
  const listed = history.segments.slice(onDemand ? 0 : liveWindowStart(history.segments));
  const first = listed[0];
  return renderMediaPlaylist({
    targetDuration: history.runs[0]!.targetDuration,
    mediaSequence: first?.msn ?? 0,
    discontinuitySequence: first ? first.discontinuities - Number(first.discontinuity) : 0,
    segments: listed.map((segment) => describeSegment(history, segment, rendition, onDemand, query)),
    ended: history.endedAt !== null,
    onDemand,
  });
}

function describeSegment(history: History, segment: HistorySegment, rendition: string, onDemand: boolean, query: string): MediaSegment {
  const file = segment.lost && onDemand ? undefined : segment.renditions[rendition];
  const init = history.init(segment.run, rendition);
  return {
    uri: `${segmentFile(segment.msn)}${query}`,
    duration: file?.[0] ?? segment.duration,
    programDateTime: file?.[2] ?? segment.startMs,
    discontinuity: segment.discontinuity,
    map: init ? `${init.file}${query}` : null,
    gap: file === undefined,
  };
}

function describeBroadcast(history: History, query: string): MultivariantPlaylist {
  const ended = history.endedAt !== null;
  const renditions = ended ? allRenditions(history) : history.playableRun!.renditions;
  const page = ended ? 'vod' : 'index';
  const uriOf = (id: string): string => `${history.open.broadcastId}/${id}/${page}.m3u8${query}`;
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
    ...(rendition.kind === 'video' && init
      ? { video: { width: init.width, height: init.height, frameRate: rendition.frameRate } }
      : {}),
  };
}

const newestInit = (history: History, rendition: string) =>
  history.runs.map(({ run }) => history.init(run, rendition)).findLast((init) => init !== undefined);

const rateOf = (history: History, rendition: Rendition): DeclaredRate =>
  declaredRate(history.rate(rendition.id), history.endedAt === null ? rendition.bitrate : null);
