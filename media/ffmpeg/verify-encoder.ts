import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ffmpeg from 'fluent-ffmpeg';
import { HoldfastError } from '../../domain/errors.js';
import { encoderFilters, encoderInputOptions, videoEncoderOptions, type VideoEncoderChoice } from './video-encoder.js';

/** Small, and allowed by every hardware encoder (some refuse less than 160 lines). */
const PROBE = { id: 'probe', kind: 'video', width: 320, height: 240, frameRate: 30, bitrate: 300_000 } as const;
const PROBE_FRAMES = 10;

/**
 * Encodes a few frames with the chosen encoder: a driver that is missing shows when the worker starts, not when a
 * streamer goes live.
 *
 * @throws HoldfastError `encoder_unavailable` with ffmpeg's last words
 */
export async function verifyEncoder(ffmpegPath: string, encoder: VideoEncoderChoice): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-encoder-'));
  try {
    await new Promise<void>((resolve, reject) => {
      ffmpeg(`color=size=${PROBE.width}x${PROBE.height}:rate=${PROBE.frameRate}`)
        .setFfmpegPath(ffmpegPath)
        .inputOptions([...encoderInputOptions(encoder.name), '-f', 'lavfi'])
        .videoFilters(encoderFilters(encoder.name))
        .outputOptions([...videoEncoderOptions(encoder, PROBE, PROBE.frameRate), '-frames:v', String(PROBE_FRAMES)])
        .format('mp4')
        .on('end', () => resolve())
        .on('error', (error, _stdout, stderr) => {
          const words = (stderr ?? error.message).trim().split('\n').slice(-2).join(' ');
          reject(new HoldfastError('encoder_unavailable', `${encoder.name} does not work here: ${words}. Choose another HOLDFAST_VIDEO_ENCODER.`));
        })
        .save(join(dir, 'probe.mp4'));
    });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
