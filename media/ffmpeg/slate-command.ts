import ffmpeg from 'fluent-ffmpeg';
import type { SlateLayout } from '../slate/slate-layout.js';
import { frameRateArgument } from './frame-rate.js';

/** Two GOPs: long enough that the loop's seam is rare, short enough to be made in about a second. */
const SLATE_SECONDS = 4;
/** What platforms ask of a live stream: a keyframe every 2 s. */
const GOP_SECONDS = 2;
/** The picture's own background, so that its edges do not show where it is padded. */
const BACKGROUND = '0x0f141c';
/** Far above what a still picture needs after its first frame; bounds that frame for slow uplinks. */
const MAX_BITRATE = 800_000;
/** Silence takes a few kbit/s whatever is allowed. */
const AUDIO_BITRATE = 96_000;

/** No B-frames: decoding times are showing times, so that the slate can follow on any picture at once. */
const VIDEO_ENCODERS: Record<NonNullable<SlateLayout['video']>['codec'], (gopFrames: number) => string[]> = {
  h264: (gopFrames) => [
    '-c:v',
    'libx264',
    '-preset',
    'superfast',
    '-profile:v',
    'high',
    '-tune',
    'zerolatency',
    '-crf',
    '23',
    '-g',
    String(gopFrames),
    '-keyint_min',
    String(gopFrames),
    '-sc_threshold',
    '0',
    '-bf',
    '0',
  ],
  hevc: (gopFrames) => [
    '-c:v',
    'libx265',
    '-preset',
    'superfast',
    '-tune',
    'zerolatency',
    '-crf',
    '26',
    '-x265-params',
    `keyint=${gopFrames}:min-keyint=${gopFrames}:scenecut=0:bframes=0:open-gop=0:log-level=error`,
  ],
};

/** ffmpeg's names of the channel orders AAC has a number for (ISO/IEC 14496-3, table 1.19). */
const CHANNEL_LAYOUTS: Record<number, string> = {
  1: 'mono',
  2: 'stereo',
  3: '3.0',
  4: '4.0',
  5: '5.0',
  6: '5.1',
  8: '7.1',
};

export interface SlateCommand {
  /** The still picture. */
  picturePath: string;
  layout: SlateLayout;
  outputPath: string;
}

/** ffmpeg's arguments that make one slate: the picture fitted into the source's size, and silence. */
export function slateArguments({ picturePath, layout: { video, audio }, outputPath }: SlateCommand): string[] {
  const builder = ffmpeg();
  if (video) builder.input(picturePath).inputOptions(['-framerate', frameRateArgument(video.frameRate)]);
  if (audio) builder.input(silence(audio)).inputOptions(['-f', 'lavfi']);
  builder
    .output(outputPath)
    .outputOptions([
      ...(video ? ['-map', '0:v', ...videoOptions(video)] : []),
      ...(audio ? ['-map', video ? '1:a' : '0:a', '-c:a', 'aac', '-b:a', String(AUDIO_BITRATE)] : []),
      '-t',
      String(SLATE_SECONDS),
      '-f',
      'flv',
    ]);
  return ['-hide_banner', '-nostdin', '-y', '-loglevel', 'error', ...builder._getArguments()];
}

const silence = ({ sampleRate, channels }: NonNullable<SlateLayout['audio']>): string =>
  `anullsrc=sample_rate=${sampleRate}:channel_layout=${CHANNEL_LAYOUTS[channels] ?? 'stereo'}`;

function videoOptions({ codec, width, height, frameRate }: NonNullable<SlateLayout['video']>): string[] {
  const filters = [
    `scale=${width}:${height}:force_original_aspect_ratio=decrease:force_divisible_by=2:flags=lanczos` +
      ':out_color_matrix=bt709:out_range=tv',
    `pad=${width}:${height}:-1:-1:color=${BACKGROUND}`,
    'setsar=1',
    'format=yuv420p',
    // Repeated after scaling: one picture is scaled, not hundreds.
    'loop=loop=-1:size=1',
  ];
  return [
    '-vf',
    filters.join(','),
    ...VIDEO_ENCODERS[codec](Math.max(1, Math.round(frameRate * GOP_SECONDS))),
    '-maxrate',
    String(MAX_BITRATE),
    '-bufsize',
    String(MAX_BITRATE),
    '-colorspace',
    'bt709',
    '-color_primaries',
    'bt709',
    '-color_trc',
    'bt709',
    '-color_range',
    'tv',
    '-frames:v',
    String(Math.max(1, Math.round(frameRate * SLATE_SECONDS))),
  ];
}
