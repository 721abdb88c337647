import ffmpeg from 'fluent-ffmpeg';
import type { AudioRendition, EncodePlan, VideoRendition } from '../../domain/ladder.js';
import type { SourceLayout } from '../../domain/source.js';
import { decoderLimit } from './decoder-limit.js';
import { frameRateArgument } from './frame-rate.js';
import { encoderFilters, encoderInputOptions, videoEncoderOptions, type VideoEncoderChoice } from './video-encoder.js';

export interface LadderCommand {
  /** The ingest's relay of one publisher, FLV. */
  inputUrl: string;
  source: SourceLayout;
  plan: EncodePlan;
  /** Rendition id → unix socket of the origin. */
  sockets: Record<string, string>;
  encoder: VideoEncoderChoice;
  /** Seconds on the input's own clock up to which an encoder before this one came: decoded, and not shown again. */
  resumeAt: number | null;
  /** See decoderLimit. */
  maxPixels: number;
}

/** With two announced tracks ffmpeg waits at most this long (µs) for the second; 0 would mean its default of 5 s. */
const ANALYZE_TWO_TRACKS_US = '1000000';
const ANALYZE_ONE_TRACK_US = '100000';
/** Nothing read for this long (µs): the relay is dead. The ingest drops silent publishers earlier. */
const READ_TIMEOUT_US = '20000000';
/** Seconds added to every timestamp: AAC priming is negative otherwise, and tfdt is unsigned. */
const OUTPUT_OFFSET_SECONDS = '10';

/** One moof per frame, one output per rendition, timestamps shared by all outputs: what the packager reads. */
const FMP4_OPTIONS = [
  '-movflags',
  '+frag_every_frame+empty_moov+default_base_moof+frag_discont+skip_trailer',
  '-use_editlist',
  '0',
  '-avoid_negative_ts',
  'disabled',
  '-output_ts_offset',
  OUTPUT_OFFSET_SECONDS,
  '-flush_packets',
  '1',
];

/** The source's picture as it is, at its own times. */
const COPY_OPTIONS = ['-map', '0:v:0', '-c:v', 'copy', ...FMP4_OPTIONS, '-f', 'mp4'];

/**
 * ffmpeg's arguments for one broadcast: decode once, every rendition as fMP4 to its own socket. The layout is known
 * before the spawn, so nothing is left to ffmpeg's guesses (`-map 0:a?` would put video into an audio output).
 */
export function ladderArguments(command: LadderCommand): string[] {
  const videos = command.plan.renditions.filter((rendition) => rendition.kind === 'video');
  const audio = command.plan.renditions.find((rendition) => rendition.kind === 'audio');
  const encoded = videos.filter(({ copied }) => !copied);
  const builder = ffmpeg(command.inputUrl).inputOptions(inputOptions(command));
  if (encoded.length > 0) builder.complexFilter(videoFilter(encoded, command));
  for (const rendition of videos) {
    const options = rendition.copied ? COPY_OPTIONS : videoOptions(rendition, encoded.indexOf(rendition), command);
    builder.output(`unix:${socketOf(command, rendition.id)}`).outputOptions(options);
  }
  if (audio) builder.output(`unix:${socketOf(command, audio.id)}`).outputOptions(audioOptions(audio, command));
  return ['-hide_banner', '-nostdin', '-y', '-loglevel', 'level+warning', ...builder._getArguments()];
}

function socketOf(command: LadderCommand, renditionId: string): string {
  const path = command.sockets[renditionId];
  if (!path) throw new Error(`The origin opened no socket for rendition ${renditionId}`);
  return path;
}

function inputOptions({ source, encoder, resumeAt, maxPixels }: LadderCommand): string[] {
  const bothTracks = source.video !== null && source.audio !== null;
  return [
    ...encoderInputOptions(encoder.name),
    '-fpsprobesize',
    '0',
    '-analyzeduration',
    bothTracks ? ANALYZE_TWO_TRACKS_US : ANALYZE_ONE_TRACK_US,
    '-rw_timeout',
    READ_TIMEOUT_US,
    // Frame threading would add two frames of latency; one thread decodes 1080p60 easily.
    '-threads',
    '1',
    ...decoderLimit(maxPixels),
    '-f',
    'flv',
    // Else the input's clock would begin with its first packet, wherever that is.
    ...(resumeAt === null ? [] : ['-copyts']),
  ];
}

/** Leaves out what came before, and begins with zero; picture and sound within a frame of each other. */
const resumeFilters = (resumeAt: number | null, prefix: '' | 'a'): string[] =>
  resumeAt === null ? [] : [`${prefix}trim=start=${resumeAt}`, `${prefix}setpts=PTS-STARTPTS`];

/**
 * Each rung is scaled from the next larger one: the fewer pixels go in, the less scaling costs. A rung at a lower rate drops
 * frames before it scales, and a faster rung than its neighbour is scaled from the source.
 */
function videoFilter(videos: readonly VideoRendition[], { source, encoder, resumeAt, plan }: LadderCommand): string {
  const sourceRate = source.video?.frameRate ?? Infinity;
  const parents = videos.map((rung, index) => lastIndexBefore(videos, index, (larger) => larger.frameRate >= rung.frameRate - SAME_RATE));
  const childrenOf = (parent: number): number[] => parents.flatMap((value, index) => (value === parent ? [index] : []));
  const inputs = (indices: readonly number[]): string => indices.map((index) => `[s${index}]`).join('');
  const branches = videos.map((rung, index) => {
    const inputRate = videos[parents[index]!]?.frameRate ?? sourceRate;
    const children = childrenOf(index);
    const filters = [
      ...(rung.frameRate < inputRate - SAME_RATE ? [fewerFrames(rung.frameRate, inputRate, plan)] : []),
      `scale=${rung.width}:${rung.height}:flags=bicubic`,
      'setsar=1',
    ];
    const encode = `${encoderFilters(encoder.name).join(',')}[v${index}]`;
    if (children.length === 0) return `[s${index}]${filters.join(',')},${encode}`;
    return `[s${index}]${filters.join(',')},split=${children.length + 1}[e${index}]${inputs(children)};[e${index}]${encode}`;
  });
  const roots = childrenOf(FROM_SOURCE);
  const split = [...resumeFilters(resumeAt, ''), `split=${roots.length}`].join(',');
  return [`[0:v:0]${split}${inputs(roots)}`, ...branches].join(';');
}

const copiesSource = ({ renditions }: EncodePlan): boolean =>
  renditions.some((rendition) => rendition.kind === 'video' && rendition.copied);
/** Beside a copy, keyframes are where the source has them: the encoder's own GOP (in those of the ladder) is never reached. */
const UNREACHED_GOPS = 4;

/** Beside a copy every frame that was a keyframe has to stay; they are at multiples of the divisor, as the first is. */
const fewerFrames = (frameRate: number, inputRate: number, plan: EncodePlan): string =>
  copiesSource(plan) ? `select=not(mod(n\\,${Math.round(inputRate / frameRate)}))` : `fps=${frameRateArgument(frameRate)}:round=near`;

const FROM_SOURCE = -1;
/** Frames per second: rates nearer than this are the same. */
const SAME_RATE = 0.01;

function lastIndexBefore<T>(items: readonly T[], index: number, fits: (item: T) => boolean): number {
  return items.slice(0, index).findLastIndex(fits);
}

function videoOptions(rendition: VideoRendition, index: number, { plan, encoder }: LadderCommand): string[] {
  const gop = Math.round(rendition.frameRate * plan.gopSeconds);
  return [
    '-map',
    `[v${index}]`,
    ...videoEncoderOptions(encoder, rendition, copiesSource(plan) ? UNREACHED_GOPS * gop : gop),
    ...(copiesSource(plan) ? ['-force_key_frames', 'source'] : earlyKeyframe(rendition, gop, plan.firstGopSeconds)),
    '-fps_mode',
    'cfr',
    '-r',
    frameRateArgument(rendition.frameRate),
    ...FMP4_OPTIONS,
    '-f',
    'mp4',
  ];
}

/**
 * A second keyframe soon after the first, so that the first segment is short. The third is forced as well: encoders count
 * their GOP from the newest keyframe, and from there on it is the regular one. Counted in frames (`n`), because the first
 * frame's time is not always 0.
 */
function earlyKeyframe({ frameRate }: VideoRendition, gop: number, firstGopSeconds: number | undefined): string[] {
  if (firstGopSeconds === undefined) return [];
  return ['-force_key_frames', `expr:eq(n,${Math.round(frameRate * firstGopSeconds)})+eq(n,${gop})`];
}

function audioOptions(audio: AudioRendition, { resumeAt }: LadderCommand): string[] {
  return [
    '-map',
    '0:a:0',
    '-c:a',
    'aac',
    '-b:a',
    String(audio.bitrate),
    '-ac',
    String(audio.channels),
    '-ar',
    String(audio.sampleRate),
    // Fills holes with silence and drops overlaps, so that sound stays with the picture.
    '-af',
    [...resumeFilters(resumeAt, 'a'), 'aresample=async=1:first_pts=0'].join(','),
    ...FMP4_OPTIONS,
    '-f',
    'mp4',
  ];
}
