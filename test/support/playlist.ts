import * as HLS from 'hls-parser';

export type MediaPlaylist = HLS.types.MediaPlaylist;
export type MasterPlaylist = HLS.types.MasterPlaylist;

HLS.setOptions({ strictMode: true });

export interface Fetched<T> {
  url: string;
  text: string;
  playlist: T;
}

async function fetchPlaylist<T>(url: string): Promise<Fetched<T>> {
  const response = await fetch(url);
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status} from ${url}: ${text}`);
  return { url, text, playlist: HLS.parse(text) as T };
}

export const multivariant = (url: string): Promise<Fetched<MasterPlaylist>> => fetchPlaylist<MasterPlaylist>(url);

/** Every media playlist a multivariant playlist names: variants, then the audio renditions of the first. */
export async function mediaPlaylists(master: Fetched<MasterPlaylist>): Promise<Fetched<MediaPlaylist>[]> {
  const uris = new Set(master.playlist.variants.flatMap((variant) => [variant.uri, ...variant.audio.map((audio) => audio.uri ?? '')]));
  const playlists = await Promise.all([...uris].filter(Boolean).map((uri) => fetchPlaylist<MediaPlaylist>(new URL(uri, master.url).href)));
  // With low latency the last one may be open: it has parts, and no address and duration yet.
  for (const { playlist } of playlists) playlist.segments = playlist.segments.filter((segment) => segment.uri);
  return playlists;
}

export async function bytes(url: string): Promise<Buffer> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${response.status} from ${url}`);
  return Buffer.from(await response.arrayBuffer());
}
