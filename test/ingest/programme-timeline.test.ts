import { describe, expect, it } from 'vitest';
import { ProgrammeTimeline, type TimedMedia } from '../../ingest/programme/programme-timeline.js';

const video = (timeMs: number, compositionMs = 0): TimedMedia => ({ track: 'video', timeMs, compositionMs });
const audio = (timeMs: number): TimedMedia => ({ track: 'audio', timeMs, compositionMs: 0 });

/** Each source's messages, the first of which it joins with; the programme's times of all. */
function timesOf(...sources: TimedMedia[][]): (number | null)[] {
  const timeline = new ProgrammeTimeline();
  return sources.flatMap((messages) => {
    timeline.join(messages[0]!);
    return messages.map((message) => timeline.map(message));
  });
}

const picturesFrom = (startMs: number): TimedMedia[] => [0, 40, 80].map((timeMs) => video(startMs + timeMs));

describe('the clock of a programme', () => {
  it.each<[string, TimedMedia[][], (number | null)[]]>([
    ['starts at zero whatever its source says', [picturesFrom(7_000_000)], [0, 40, 80]],
    ['goes on one step behind the one before', [picturesFrom(1000), picturesFrom(1000)], [0, 40, 80, 120, 160, 200]],
    ['goes on when the next clock lags', [picturesFrom(9000), picturesFrom(0)], [0, 40, 80, 120, 160, 200]],
    ['keeps sound and picture together', [[video(500), audio(510), audio(531), video(540)]], [0, 10, 31, 40]],
    ['leaves out sound older than the first picture', [[video(500), audio(480), audio(501)]], [0, null, 1]],
    [
      'goes on behind the track that is ahead',
      [
        [video(0), audio(10), audio(31), audio(52)],
        [video(0), audio(5)],
      ],
      [0, 10, 31, 52, 73, 78],
    ],
    [
      'goes on after the last picture is shown, not only decoded',
      [[video(0, 80), video(40, 160), video(80, 40)], picturesFrom(0)],
      [0, 40, 80, 240, 280, 320],
    ],
    [
      'goes on at once where the next source shows its pictures as late',
      [
        [video(0, 80), video(40, 160), video(80, 40)],
        [video(0, 120), video(40, 200)],
      ],
      [0, 40, 80, 120, 160],
    ],
    [
      'is not torn apart by a picture to be shown in an hour',
      [[video(0), video(40, 3_600_000)], picturesFrom(0)],
      [0, 40, 1080, 1120, 1160],
    ],
    [
      'takes a usual step where a source had one picture only, or a gap',
      [[video(0)], [video(0), video(3000)], [video(0)]],
      [0, 33, 3033, 3066],
    ],
    [
      'carries sound alone',
      [
        [audio(100), audio(121)],
        [audio(0), audio(21)],
      ],
      [0, 21, 42, 63],
    ],
  ])('%s', (_name, sources, expected) => {
    expect(timesOf(...sources)).toEqual(expected);
  });

  it('counts what the slate has sent', () => {
    const timeline = new ProgrammeTimeline();
    timeline.join(video(0));
    timeline.map(video(0));
    timeline.map(audio(0));
    expect(timeline.nextMs('video')).toBe(33);
    for (const timeMs of [33, 66, 100]) timeline.note(video(0), timeMs);
    for (const timeMs of [21, 43, 64]) timeline.note(audio(0), timeMs);
    expect(timeline.edgeMs).toBe(100);
    expect(timeline.join(video(5000))).toBe(134);
    expect(timeline.map(audio(5004))).toBe(138);
  });
});
