import { setTimeout as delay } from 'node:timers/promises';

/*
 * Follows live low-latency playlists over their reloads, as a player does, and finds every MUST that no single playlist
 * can show: constants, numbers that step back, listed lines that change, parts that do not add up. Chapter numbers are
 * those of RFC 8216bis.
 */

export interface FollowedPart {
  uri: string;
  duration: number;
  independent: boolean;
}

export interface FollowedSegment {
  msn: number;
  /** Everything that was ever listed of it, in order, without its parts. */
  lines: string[];
  /** null while it is open. */
  uri: string | null;
  duration: number | null;
  gap: boolean;
  discontinuity: boolean;
  programDateTime: number;
  parts: FollowedPart[];
}

export interface LivePlaylist {
  text: string;
  /** TARGETDURATION, SERVER-CONTROL, PART-INF and VERSION as they stand there. */
  constants: string[];
  targetDuration: number;
  partTarget: number;
  mediaSequence: number;
  discontinuitySequence: number;
  segments: FollowedSegment[];
  hint: string | null;
  reports: { uri: string; lastMsn: number; lastPart: number | null }[];
  ended: boolean;
  skipped: number;
}

const CONSTANT_TAGS = ['#EXT-X-VERSION', '#EXT-X-TARGETDURATION', '#EXT-X-SERVER-CONTROL', '#EXT-X-PART-INF'];
const attribute = (line: string, name: string): string | null => {
  const match = new RegExp(`[:,]${name}=(?:"([^"]*)"|([^,]*))`).exec(line);
  return match ? (match[1] ?? match[2] ?? '') : null;
};

export function parseLive(text: string): LivePlaylist {
  const lines = text.trimEnd().split('\n');
  const value = (tag: string): string => lines.find((line) => line.startsWith(`${tag}:`))?.slice(tag.length + 1) ?? '';
  const mediaSequence = Number(value('#EXT-X-MEDIA-SEQUENCE'));
  const skipped = Number(/^#EXT-X-SKIP:SKIPPED-SEGMENTS=(\d+)$/m.exec(text)?.[1] ?? 0);
  const playlist: LivePlaylist = {
    text,
    constants: lines.filter((line) => CONSTANT_TAGS.some((tag) => line.startsWith(`${tag}:`))),
    targetDuration: Number(value('#EXT-X-TARGETDURATION')),
    partTarget: Number(attribute(`:${value('#EXT-X-PART-INF')}`, 'PART-TARGET') ?? 0),
    mediaSequence,
    discontinuitySequence: Number(value('#EXT-X-DISCONTINUITY-SEQUENCE')),
    segments: [],
    hint: null,
    reports: [],
    ended: lines.includes('#EXT-X-ENDLIST'),
    skipped,
  };
  const fresh = (): FollowedSegment => ({
    msn: mediaSequence + skipped + playlist.segments.length,
    lines: [],
    uri: null,
    duration: null,
    gap: false,
    discontinuity: false,
    programDateTime: 0,
    parts: [],
  });
  let open = fresh();
  for (const line of lines) {
    if (line.startsWith('#EXT-X-PART:')) {
      const uri = attribute(line, 'URI')!;
      open.parts.push({ uri, duration: Number(attribute(line, 'DURATION')), independent: attribute(line, 'INDEPENDENT') === 'YES' });
    } else if (line.startsWith('#EXT-X-PRELOAD-HINT:')) playlist.hint = attribute(line, 'URI');
    else if (line.startsWith('#EXT-X-RENDITION-REPORT:')) {
      const part = attribute(line, 'LAST-PART');
      playlist.reports.push({
        uri: attribute(line, 'URI')!,
        lastMsn: Number(attribute(line, 'LAST-MSN')),
        lastPart: part === null ? null : Number(part),
      });
    } else if (/^#EXT-X-(PROGRAM-DATE-TIME|DISCONTINUITY$|MAP|GAP)|^#EXTINF|^[^#]/.test(line)) {
      open.lines.push(line);
      if (line === '#EXT-X-DISCONTINUITY') open.discontinuity = true;
      if (line === '#EXT-X-GAP') open.gap = true;
      if (line.startsWith('#EXT-X-PROGRAM-DATE-TIME:')) open.programDateTime = Date.parse(line.slice(25));
      if (line.startsWith('#EXTINF:')) open.duration = Number(line.slice(8, -1));
      if (!line.startsWith('#')) {
        open.uri = line;
        playlist.segments.push(open);
        open = fresh();
      }
    }
  }
  if (open.lines.length > 0 || open.parts.length > 0) playlist.segments.push(open);
  return playlist;
}

/** Lines of a segment's listing that do not depend on where the window begins. */
const stable = ({ lines }: FollowedSegment): string[] => lines.filter((line) => !line.startsWith('#EXT-X-MAP'));
/** Rounding of printed durations, seconds. */
const PRINTED = 0.00002;
const MIN_PART_SHARE = 0.85;

/** One rendition's playlists over time; every broken rule is a line in `findings`. */
export class PlaylistHistory {
  readonly findings: string[] = [];
  readonly segments = new Map<number, FollowedSegment>();
  reloads = 0;
  partsSeen = 0;
  last: LivePlaylist | null = null;
  #name: string;
  /** Discontinuities up to and including a segment. */
  readonly discontinuities = new Map<number, number>();

  constructor(name: string) {
    this.#name = name;
  }

  take(text: string): LivePlaylist {
    const next = parseLive(text);
    this.reloads++;
    this.#checkAlone(next);
    if (this.last) this.#checkAgainst(this.last, next);
    for (const segment of next.segments) this.#remember(segment);
    let discontinuities = next.discontinuitySequence;
    for (const { msn, discontinuity } of next.segments) {
      discontinuities += Number(discontinuity);
      const known = this.discontinuities.get(msn);
      this.#expect(known === undefined || known === discontinuities, `discontinuity number of segment ${msn} changed (6.2.2)`);
      this.discontinuities.set(msn, discontinuities);
    }
    this.last = next;
    return next;
  }

  report(problem: string): void {
    this.findings.push(`${this.#name}: ${problem}`);
  }

  #expect(condition: boolean, problem: string): void {
    if (!condition) this.report(problem);
  }

  #checkAlone(playlist: LivePlaylist): void {
    const { targetDuration, partTarget, segments, constants, ended, hint } = playlist;
    const control = constants.find((line) => line.startsWith('#EXT-X-SERVER-CONTROL')) ?? '';
    const number = (name: string): number => Number(attribute(control, name));
    this.#expect(attribute(control, 'CAN-BLOCK-RELOAD') === 'YES', 'no blocking reload');
    this.#expect(number('PART-HOLD-BACK') >= 3 * partTarget - PRINTED, 'PART-HOLD-BACK below three part targets (Apple 14.3)');
    this.#expect(number('HOLD-BACK') >= 3 * targetDuration, 'HOLD-BACK below three target durations (4.4.3.8)');
    this.#expect(number('CAN-SKIP-UNTIL') >= 6 * targetDuration, 'CAN-SKIP-UNTIL below six target durations (4.4.3.8)');
    this.#expect(ended === (hint === null), 'a preload hint until the end and none after it (4.4.5.3)');
    for (const { msn, duration, parts, gap, programDateTime } of segments) {
      this.#expect(
        duration === null || Math.round(duration) <= targetDuration,
        `segment ${msn} of ${duration} s is above the target duration (4.4.3.1)`,
      );
      this.#expect(programDateTime > 0, `segment ${msn} has no date (Apple 8.4)`);
      const sum = parts.reduce((total, part) => total + part.duration, 0);
      if (duration !== null && parts.length > 0 && !gap) {
        this.#expect(
          Math.abs(sum - duration) < PRINTED * (parts.length + 1),
          `parts of segment ${msn} last ${sum} s, the segment ${duration} s`,
        );
      }
      const isOpen = duration === null;
      for (const [index, part] of parts.entries()) {
        this.#expect(
          part.duration <= partTarget + 1e-9,
          `part ${index} of segment ${msn} is above the part target: ${part.duration} (4.4.4.9)`,
        );
        const isLast = index === parts.length - 1;
        this.#expect(
          isLast || part.duration >= MIN_PART_SHARE * partTarget,
          `part ${index} of segment ${msn} is below 85 %: ${part.duration} (4.4.4.9)`,
        );
        if (index === 0) this.#expect(part.independent, `segment ${msn} does not start with an independent part`);
      }
      if (isOpen) this.#expect(msn === segments.at(-1)!.msn && parts.length > 0, `segment ${msn} is open and not the last`);
    }
  }

  #checkAgainst(last: LivePlaylist, next: LivePlaylist): void {
    this.#expect(
      JSON.stringify(last.constants) === JSON.stringify(next.constants),
      `constants changed: ${last.constants.join(' ')} → ${next.constants.join(' ')}`,
    );
    this.#expect(
      next.mediaSequence >= last.mediaSequence,
      `media sequence stepped back from ${last.mediaSequence} to ${next.mediaSequence} (6.2.2)`,
    );
    this.#expect(next.discontinuitySequence >= last.discontinuitySequence, 'discontinuity sequence stepped back (6.2.2)');
    const [before, now] = [last.segments.at(-1)?.msn ?? 0, next.segments.at(-1)?.msn ?? 0];
    this.#expect(now >= before, `the end stepped back from segment ${before} to ${now}`);
    this.#expect(!last.ended || next.text === last.text, 'a finished playlist changed (6.2.1)');
  }

  /** Listed lines stay: of a segment everything but its parts, of a part everything. */
  #remember(segment: FollowedSegment): void {
    const known = this.segments.get(segment.msn);
    if (!known) {
      this.partsSeen += segment.parts.length;
      this.segments.set(segment.msn, segment);
      return;
    }
    const [old, now] = [stable(known), stable(segment)];
    this.#expect(
      old.every((line, index) => line === now[index]),
      `listed lines of segment ${segment.msn} changed: ${old.join(' ')} → ${now.join(' ')}`,
    );
    if (segment.parts.length === 0) {
      this.segments.set(segment.msn, { ...segment, parts: known.parts });
      return;
    }
    const kept = known.parts.every((part, index) => JSON.stringify(part) === JSON.stringify(segment.parts[index]));
    const [before, after] = [JSON.stringify(known.parts), JSON.stringify(segment.parts)];
    this.#expect(kept, `listed parts of segment ${segment.msn} changed: ${before} → ${after}`);
    this.partsSeen += segment.parts.length - known.parts.length;
    this.segments.set(segment.msn, segment);
  }
}

/** A delta update put into the playlist the client has (6.2.5.1). */
export function mergeDelta(previous: string, delta: string): string {
  const { skipped, mediaSequence } = parseLive(delta);
  if (skipped === 0) return delta;
  const known = previous.split('\n');
  const first = parseLive(previous).mediaSequence;
  const from = groupStart(known, mediaSequence - first);
  const until = groupStart(known, mediaSequence - first + skipped);
  const taken = known.slice(from, until);
  // A map counts until the next one: the first that is listed carries the one in force.
  const map = known.slice(0, from).findLast((line) => line.startsWith('#EXT-X-MAP'));
  if (map && !taken.slice(0, 3).some((line) => line.startsWith('#EXT-X-MAP'))) {
    taken.splice(taken[0] === '#EXT-X-DISCONTINUITY' ? 1 : 0, 0, map);
  }
  return delta.replace(/^#EXT-X-SKIP:.*$/m, () => taken.filter((line) => !line.startsWith('#EXT-X-PART:')).join('\n'));
}

/** Line at which the listing of the n-th segment begins. */
function groupStart(lines: readonly string[], index: number): number {
  const HEADER =
    /^#EXT(M3U|-X-(VERSION|TARGETDURATION|SERVER-CONTROL|PART-INF|MEDIA-SEQUENCE|DISCONTINUITY-SEQUENCE|INDEPENDENT-SEGMENTS))/;
  let at = lines.findIndex((line) => !HEADER.test(line));
  for (let seen = 0; seen < index; seen++) at = lines.findIndex((line, position) => position >= at && !line.startsWith('#')) + 1;
  return at;
}

export interface FollowOptions {
  /** Addresses of the media playlists of one broadcast, by name. */
  playlists: Record<string, string>;
  /** Stops when this is true for a moment. */
  until: () => boolean | Promise<boolean>;
  onPlaylist?: (name: string, playlist: LivePlaylist) => void | Promise<void>;
  /** The origin may be away: a request that fails is repeated instead of being a finding. */
  tolerateOutage?: boolean;
}

const PAUSE_MS = 50;

/** Follows all playlists of a broadcast at once by blocking reload, and compares them with each other at the end. */
export async function follow(options: FollowOptions): Promise<Map<string, PlaylistHistory>> {
  const histories = new Map(Object.keys(options.playlists).map((name) => [name, new PlaylistHistory(name)]));
  let stopped = false;
  const followers = [...histories].map(async ([name, history]) => {
    while (!stopped && !history.last?.ended) await reload(options, name, history);
  });
  while (!(await options.until()) && ![...histories.values()].every(({ last }) => last?.ended)) await delay(PAUSE_MS);
  stopped = true;
  await Promise.all(followers);
  compare([...histories.values()]);
  return histories;
}

async function reload({ playlists, onPlaylist, tolerateOutage }: FollowOptions, name: string, history: PlaylistHistory): Promise<void> {
  const { last } = history;
  const open = last?.segments.at(-1);
  const msn = open?.duration === null ? open.msn : (open?.msn ?? -1) + 1;
  const part = open?.duration === null ? open.parts.length : 0;
  const url = last ? `${playlists[name]!}?_HLS_msn=${msn}&_HLS_part=${part}` : playlists[name]!;
  try {
    const response = await fetch(url);
    const text = await response.text();
    if (response.ok) {
      const next = history.take(text);
      const newest = next.segments.at(-1);
      // After a restart nobody knows how many parts a closed segment had: that it is closed is news, too.
      const closed = open?.duration === null && newest?.msn === msn && newest.duration !== null;
      const moved =
        newest && (newest.msn > msn || (newest.msn === msn && newest.parts.length > part) || next.ended || newest.gap || closed);
      if (last && !moved) history.report(`a held request for ${msn}/${part} was answered with an older playlist`);
      try {
        await onPlaylist?.(name, next);
      } catch (error) {
        history.report(`${String(error)} in\n${text}`);
      }
    } else if (response.status !== 503) {
      if (!tolerateOutage) history.report(`${url} answered ${response.status} ${text}`);
      await delay(PAUSE_MS);
    }
  } catch (error) {
    if (!tolerateOutage) history.report(`${url}: ${String(error)}`);
    await delay(PAUSE_MS);
  }
}

/** All playlists of a broadcast agree (6.2.4). */
function compare(histories: readonly PlaylistHistory[]): void {
  const [first, ...others] = histories;
  for (const other of others) {
    if (JSON.stringify(other.last?.constants) !== JSON.stringify(first!.last?.constants))
      other.report('constants differ from the first playlist');
    for (const [msn, { programDateTime }] of other.segments) {
      const mine = first!.segments.get(msn);
      if (!mine) continue;
      if (other.discontinuities.get(msn) !== first!.discontinuities.get(msn))
        other.report(`discontinuity number of segment ${msn} differs`);
      const FRAMES_MS = 50;
      if (Math.abs(mine.programDateTime - programDateTime) > FRAMES_MS)
        other.report(`segment ${msn} is dated ${programDateTime - mine.programDateTime} ms apart`);
    }
  }
}
