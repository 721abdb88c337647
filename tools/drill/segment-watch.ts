import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 500;
const REQUEST_LIMIT_MS = 5000;

export interface ListedSegment {
  msn: number;
  url: string;
  /** Address of its header. */
  map: string;
  seconds: number;
  discontinuity: boolean;
  gap: boolean;
}

/** The finished segments of a media playlist. */
export function listedSegments(text: string, playlistUrl: string): ListedSegment[] {
  const segments: ListedSegment[] = [];
  const first = Number(/^#EXT-X-MEDIA-SEQUENCE:(\d+)$/m.exec(text)?.[1] ?? 0);
  const absolute = (uri: string): string => new URL(uri, playlistUrl).href;
  let map = '';
  let next = { discontinuity: false, gap: false, seconds: 0 };
  for (const line of text.split('\n')) {
    if (line === '#EXT-X-DISCONTINUITY') next.discontinuity = true;
    else if (line === '#EXT-X-GAP') next.gap = true;
    else if (line.startsWith('#EXT-X-MAP:')) map = absolute(/URI="([^"]*)"/.exec(line)?.[1] ?? '');
    else if (line.startsWith('#EXTINF:')) next.seconds = Number.parseFloat(line.slice('#EXTINF:'.length));
    else if (line !== '' && !line.startsWith('#')) {
      segments.push({ msn: first + segments.length, url: absolute(line), map, ...next });
      next = { discontinuity: false, gap: false, seconds: 0 };
    }
  }
  return segments;
}

/** Follows the smallest picture's playlist: keeps what it lists, and notes what no playlist may do. */
export class SegmentWatch {
  readonly segments: ListedSegment[] = [];
  /** A playlist that went back, or listed something else under the same number. */
  readonly findings: string[] = [];
  #stopped = false;
  readonly #loop: Promise<void>;
  #playlistUrl: string | null = null;

  constructor(multivariantUrl: string) {
    this.#loop = this.#run(multivariantUrl);
  }

  get lastMsn(): number {
    return this.segments.at(-1)?.msn ?? -1;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loop;
  }

  async #run(multivariantUrl: string): Promise<void> {
    while (!this.#stopped) {
      this.#playlistUrl ??= await smallestVariant(multivariantUrl);
      const text = this.#playlistUrl && (await textOf(this.#playlistUrl));
      if (text) this.#take(listedSegments(text, this.#playlistUrl!));
      await delay(POLL_MS);
    }
  }

  #take(listed: ListedSegment[]): void {
    const last = this.lastMsn;
    const now = listed.at(-1)?.msn ?? -1;
    if (now < last) this.findings.push(`the playlist went back from segment ${last} to ${now}`);
    for (const segment of listed) {
      const known = this.segments.find(({ msn }) => msn === segment.msn);
      if (known && known.url !== segment.url) this.findings.push(`segment ${segment.msn} became another one`);
      if (!known && segment.msn > last) this.segments.push(segment);
    }
    if (last >= 0 && listed.length > 0 && listed[0]!.msn > last + 1)
      this.findings.push(`segments ${last + 1} to ${listed[0]!.msn - 1} were never listed`);
  }
}

async function smallestVariant(url: string): Promise<string | null> {
  const text = await textOf(url);
  if (!text) return null;
  const variants = [...text.matchAll(/^#EXT-X-STREAM-INF:.*BANDWIDTH=(\d+).*\n(.+)$/gm)];
  const smallest = variants.sort((a, b) => Number(a[1]) - Number(b[1]))[0];
  return smallest ? new URL(smallest[2]!, url).href : null;
}

/** null while the origin is away. */
async function textOf(url: string): Promise<string | null> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(REQUEST_LIMIT_MS) });
    const text = await response.text();
    return response.ok ? text : null;
  } catch {
    return null;
  }
}

/** Bytes of segments and headers; each is fetched once. */
export async function download(url: string): Promise<Buffer> {
  const response = await fetch(url, { signal: AbortSignal.timeout(REQUEST_LIMIT_MS) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}
