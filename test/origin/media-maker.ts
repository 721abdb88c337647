import type { InitSegment } from '../../origin/fmp4/init-segment.js';
import { NON_SYNC_SAMPLE } from '../../origin/fmp4/fragment.js';
import type { Sample } from '../../origin/fmp4/sample.js';

export const VIDEO_TIMESCALE = 15_360;
export const AUDIO_TIMESCALE = 48_000;
/** Where ffmpeg starts every rendition (`-output_ts_offset 10`). */
export const OFFSET_SECONDS = 10;

export const videoInit = (): InitSegment => ({
  bytes: Buffer.from('init'),
  kind: 'video',
  trackId: 1,
  timescale: VIDEO_TIMESCALE,
  codec: 'avc1.64001f',
  width: 426,
  height: 240,
  defaults: { duration: 0, size: 0, flags: 0 },
});

/** Frames of a picture from `from` to `to` seconds of its own time; `isKey` says which are keyframes. */
export function videoFrames(from: number, to: number, isKey: (frame: number) => boolean, rate = 30): Sample[] {
  const frames: Sample[] = [];
  for (let frame = Math.round(from * rate); frame < Math.round(to * rate); frame++) {
    frames.push(sample(Math.round((OFFSET_SECONDS + frame / rate) * VIDEO_TIMESCALE), VIDEO_TIMESCALE / rate, isKey(frame)));
  }
  return frames;
}

export const everySeconds =
  (seconds: number, rate = 30) =>
  (frame: number): boolean =>
    frame % Math.round(seconds * rate) === 0;

/** AAC frames from `from` to `to` seconds, the priming frame included when it starts at 0. */
export function audioFrames(from: number, to: number): Sample[] {
  const AAC_FRAME = 1024;
  const frames: Sample[] = [];
  const first = from === 0 ? -1 : Math.ceil((from * AUDIO_TIMESCALE) / AAC_FRAME);
  for (let frame = first; frame * AAC_FRAME < to * AUDIO_TIMESCALE; frame++) {
    frames.push(sample(OFFSET_SECONDS * AUDIO_TIMESCALE + frame * AAC_FRAME, AAC_FRAME, true));
  }
  return frames;
}

function sample(dts: number, duration: number, keyframe: boolean): Sample {
  const data = Buffer.from(`${dts}`);
  return { dts, duration, compositionOffset: 0, keyframe, flags: keyframe ? 0 : NON_SYNC_SAMPLE, size: data.length, data: [data] };
}
