import ffmpeg from 'fluent-ffmpeg';
import { AUDIO_BITRATE } from '../../domain/ladder.js';
import type { RestreamContainer, RestreamPlan } from '../../domain/restream-plan.js';
import type { SourceLayout } from '../../domain/source.js';
import { decoderLimit } from './decoder-limit.js';
import { frameRateArgument } from './frame-rate.js';
import { encoderFilters, encoderInputOptions, videoEncoderOptions, type VideoEncoderChoice } from './video-encoder.js';

export interface RestreamCommand {
  /** The ingest's programme, FLV. */
  inputUrl: string;
  source: SourceLayout;
  plan: RestreamPlan;
  encoder: VideoEncoderChoice;
  container: RestreamContainer;
  /** Anybody may see it: scheme, host and port; the rest is in `protocolOptions`. */
  outputUrl: string;
  /** Options of the protocol, `-name value`. */
  protocolOptions: string[];
  /** Global options, `-name value`. */
  globalOptions: string[];
  /** Nothing read for this long (seconds) means the programme is dead; null when it may be silent. */
  readTimeoutSeconds: number | null;
  /** See decoderLimit. */
  maxPixels: number;
}

/** With two announced tracks ffmpeg waits at most this long (µs) for the second; 0 would mean its default of 5 s. */
const ANALYZE_TWO_TRACKS_US = '1000000';
const ANALYZE_ONE_TRACK_US = '100000';
const MICROSECONDS = 1e6;
const AUDIO_RATE = '48000';
const SILENCE = `anullsrc=channel_layout=stereo:sample_rate=${AUDIO_RATE}`;
const AAC = ['-c:a', 'aac', '-b:a', String(AUDIO_BITRATE), '-ac', '2', '-ar', AUDIO_RATE];

/**
 * ffmpeg's arguments for one connection to one destination. What can be copied is copied; silence is made at the pace of
 * the programme, because ffmpeg lets no input run ahead of another.
 */
export function restreamArguments(command: RestreamCommand): string[] {
  const { plan, encoder, container } = command;
  const builder = ffmpeg(command.inputUrl).inputOptions(inputOptions(command));
  if (plan.audio === 'silence') builder.input(SILENCE).inputOptions(['-f', 'lavfi']);
  if (typeof plan.video === 'object') {
    const { width, height } = plan.video.encode;
    builder.videoFilters([`scale=${width}:${height}:flags=bicubic`, 'setsar=1', ...encoderFilters(encoder.name)]);
  }
  builder.output(command.outputUrl).outputOptions([
    ...videoOptions(plan.video, encoder),
    ...audioOptions(plan.audio),
    // Silence has no end of its own: it goes on alone until ffmpeg has noticed that it is to stop.
    ...(plan.audio === 'silence' ? ['-shortest'] : []),
    ...command.protocolOptions,
    // A live stream's header cannot be completed afterwards, and need not be.
    ...(container === 'flv' ? ['-flvflags', 'no_duration_filesize'] : []),
    '-f',
    container,
  ]);
  return ['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'level+warning', ...command.globalOptions, ...builder._getArguments()];
}

function inputOptions({ source, plan, encoder, readTimeoutSeconds, maxPixels }: RestreamCommand): string[] {
  const bothTracks = source.video !== null && source.audio !== null;
  return [
    ...(typeof plan.video === 'object' ? encoderInputOptions(encoder.name) : []),
    '-fpsprobesize',
    '0',
    '-analyzeduration',
    bothTracks ? ANALYZE_TWO_TRACKS_US : ANALYZE_ONE_TRACK_US,
    ...(readTimeoutSeconds === null ? [] : ['-rw_timeout', String(readTimeoutSeconds * MICROSECONDS)]),
    '-threads',
    '1',
    ...decoderLimit(maxPixels),
    '-f',
    'flv',
  ];
}

function videoOptions(video: RestreamPlan['video'], encoder: VideoEncoderChoice): string[] {
  if (video === 'none') return [];
  if (video === 'copy') return ['-map', '0:v:0', '-c:v', 'copy'];
  const { encode, gopFrames } = video;
  return [
    '-map',
    '0:v:0',
    ...videoEncoderOptions(encoder, encode, gopFrames),
    '-fps_mode',
    'cfr',
    '-r',
    frameRateArgument(encode.frameRate),
  ];
}

function audioOptions(audio: RestreamPlan['audio']): string[] {
  if (audio === 'copy') return ['-map', '0:a:0', '-c:a', 'copy'];
  if (audio === 'silence') return ['-map', '1:a:0', ...AAC];
  return ['-map', '0:a:0', ...AAC, '-af', 'aresample=async=1:first_pts=0'];
}
