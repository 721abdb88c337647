import type { VideoRendition } from '../../domain/ladder.js';

export const VIDEO_ENCODERS = ['libx264', 'h264_nvenc', 'h264_vaapi', 'h264_qsv', 'h264_videotoolbox'] as const;
export type VideoEncoderName = (typeof VIDEO_ENCODERS)[number];

export interface VideoEncoderChoice {
  name: VideoEncoderName;
  /** x264 preset; the hardware encoders have one sensible setting each. */
  preset: string;
}

/** VAAPI wants the device before the inputs; the first render node is the usual one. */
const VAAPI_DEVICE = '/dev/dri/renderD128';

/** Peak rate over the mean: VBV keeps a keyframe part near one second of bitrate. */
const MAXRATE_FACTOR = 1.07;

/** Global options an encoder needs before `-i`. */
export const encoderInputOptions = (name: VideoEncoderName): string[] => (name === 'h264_vaapi' ? ['-vaapi_device', VAAPI_DEVICE] : []);

/** Filters an encoder needs after scaling. */
export const encoderFilters = (name: VideoEncoderName): string[] =>
  name === 'h264_vaapi' ? ['format=nv12', 'hwupload'] : ['format=yuv420p'];

const OPTIONS: Record<VideoEncoderName, (preset: string) => string[]> = {
  // zerolatency: no lookahead, no B-frames; scenecut off and forced IDRs keep every rendition's cuts together.
  libx264: (preset) => ['-preset', preset, '-profile:v', 'high', '-tune', 'zerolatency', '-sc_threshold', '0', '-forced-idr', '1'],
  h264_nvenc: () => ['-preset', 'p4', '-tune', 'ull', '-rc', 'vbr', '-bf', '0', '-no-scenecut', '1', '-forced-idr', '1'],
  h264_vaapi: () => ['-bf', '0', '-idr_interval', '0'],
  h264_qsv: () => ['-preset', 'veryfast', '-bf', '0', '-look_ahead', '0', '-forced_idr', '1', '-idr_interval', '0'],
  h264_videotoolbox: () => ['-realtime', '1', '-bf', '0'],
};

/** Output options of one video rendition; `gopFrames` is the GOP at the rendition's own rate. */
export function videoEncoderOptions(choice: VideoEncoderChoice, rendition: VideoRendition, gopFrames: number): string[] {
  return [
    '-c:v',
    choice.name,
    ...OPTIONS[choice.name](choice.preset),
    '-g',
    String(gopFrames),
    '-keyint_min',
    String(gopFrames),
    '-b:v',
    String(rendition.bitrate),
    '-maxrate',
    String(Math.round(rendition.bitrate * MAXRATE_FACTOR)),
    '-bufsize',
    String(rendition.bitrate),
  ];
}
