import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import ffmpeg from 'fluent-ffmpeg';
import { HoldfastError } from '../../domain/errors.js';
import { encoderFilters, encoderInputOptions, videoEncoderOptions, type VideoEncoderChoice } from './video-encoder.js';

/** Small, and allowed by every hardware encoder (some refuse less than 160 lines). */
const PROBE = { id: 'probe', kind: 'video', width: 320, height: 240, frameRate: 30, bitrate: 300_000 } as const;
const PROBE_FRAMES = 10;
/** A driver that does not answer by then hangs. */
const PROBE_TIMEOUT_MS = 20_000;

/**
 * Encodes a few frames with the chosen encoder: a driver that is missing shows when the worker starts, not when a
 * streamer goes live.
 *
 * @throws HoldfastError `encoder_unavailable` with ffmpeg's last words
 */
export async function verifyEncoder(ffmpegPath: string, encoder: VideoEncoderChoice): Promise<void> {
  // Built by fluent-ffmpeg but run by ourselves: its format check does not know that lavfi is a device.
  const args = ffmpeg(`color=size=${PROBE.width}x${PROBE.height}:rate=${PROBE.frameRate}`)
    .inputOptions([...encoderInputOptions(encoder.name), '-f', 'lavfi'])
    .videoFilters(encoderFilters(encoder.name))
    .output('-')
    .outputOptions([...videoEncoderOptions(encoder, PROBE, PROBE.frameRate), '-frames:v', String(PROBE_FRAMES), '-f', 'null'])
    ._getArguments();
  try {
    await promisify(execFile)(ffmpegPath, ['-hide_banner', '-nostdin', '-loglevel', 'error', ...args], { timeout: PROBE_TIMEOUT_MS });
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    const words = (stderr || message).trim().split('\n').slice(-2).join(' ');
    throw new HoldfastError(
      'encoder_unavailable',
      `${encoder.name} does not work here (${ffmpegPath}): ${words}. Set HOLDFAST_VIDEO_ENCODER to another one.`,
    );
  }
}
