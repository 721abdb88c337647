import type { MediaTag, Track } from '../rtmp/media-tag.js';
import type { Slate, SlateTrack } from './slate.js';

/** A frame of a slate and its time in the programme, milliseconds. */
export interface SlateFrame {
  tag: MediaTag;
  timeMs: number;
}

interface Cursor extends SlateTrack {
  track: Track;
  startMs: number;
  index: number;
}

/**
 * A slate repeated without a seam. Each track has its own beginning and its own length: both continue exactly where
 * the publisher's ended, and a still picture needs no common clock with silence.
 */
export class SlateLoop {
  readonly #cursors: Cursor[];

  /** @param startMs the time of each track's first frame */
  constructor(slate: Slate, startMs: Record<Track, number>) {
    const cursorOf = (track: Track): Cursor[] => {
      const frames = slate[track];
      return frames ? [{ ...frames, track, startMs: startMs[track], index: 0 }] : [];
    };
    this.#cursors = [...cursorOf('video'), ...cursorOf('audio')];
  }

  /** The frames up to a time, that of each track, in the order of their times; each frame is given out once. */
  take(untilMs: Record<Track, number>): SlateFrame[] {
    const taken: SlateFrame[] = [];
    for (;;) {
      const due = this.#cursors.filter((cursor) => timeOf(cursor) <= untilMs[cursor.track]);
      const [first, second] = due;
      if (!first) return taken;
      const cursor = second && timeOf(second) < timeOf(first) ? second : first;
      const tag = cursor.frames[cursor.index % cursor.frames.length];
      if (!tag) return taken;
      taken.push({ tag, timeMs: timeOf(cursor) });
      cursor.index += 1;
    }
  }
}

const timeOf = ({ startMs, index, stepMs }: Cursor): number => Math.round(startMs + index * stepMs);
