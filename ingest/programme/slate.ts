import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../../domain/errors.js';
import { formatOfConfig } from '../source/audio-config.js';
import { tagsOfFile } from '../rtmp/flv.js';
import type { TrackConfigs } from '../relay/media-cache.js';
import { type MediaTag, readMediaTag, type Track, type TrackCodecs } from '../rtmp/media-tag.js';
import { readAudioPacket } from '../rtmp/media-packet.js';

/** One track of a slate: frames of equal length, repeated from the first. */
export interface SlateTrack {
  frames: MediaTag[];
  /** Milliseconds from one frame to the next, not rounded. */
  stepMs: number;
}

/** What is shown while no publisher is there. */
export interface Slate {
  codecs: TrackCodecs;
  configs: TrackConfigs;
  video: SlateTrack | null;
  audio: SlateTrack | null;
}

/** Letters, digits, single dots and dashes: one file in the slates' folder and nothing else. */
const SLATE_NAME = /^[a-z0-9]+([.-][a-z0-9]+)*$/;
const MAX_NAME_LENGTH = 100;
/** An AAC frame (ISO/IEC 14496-3, 4.5.1.1). */
const AAC_SAMPLES = 1024;

export const isSlateName = (name: string): boolean => name.length <= MAX_NAME_LENGTH && SLATE_NAME.test(name);

/**
 * Reads a slate the media worker has made (domain/contracts/ingest-control.ts).
 *
 * @throws HoldfastError `not_found` when there is none of that name, `internal` when it cannot be used
 */
export async function loadSlate(dir: string, name: string): Promise<Slate> {
  if (!isSlateName(name)) throw new HoldfastError('invalid_request', 'slate must be none or the name of a slate.');
  const file = await readFile(join(dir, `${name}.flv`)).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw cause;
    throw new HoldfastError('not_found', `There is no slate ${name}.`, {}, { cause });
  });
  const slate = readSlate(file);
  if (!slate) throw new HoldfastError('internal', `The slate ${name} cannot be used: it begins with no keyframe.`);
  return slate;
}

/** Null when the file is no FLV that begins with a keyframe, or with sound alone. */
export function readSlate(file: Buffer): Slate | null {
  const tags = tagsOfFile(file)
    .map(readMediaTag)
    .filter((tag) => tag !== null);
  const video = trackOf('video', tags);
  const audio = trackOf('audio', tags);
  if (!video && !audio) return null;
  if (video && video.frames[0]?.kind !== 'keyframe') return null;
  return {
    codecs: { video: codecOf(tags, 'video'), audio: codecOf(tags, 'audio') } as TrackCodecs,
    configs: { video: configOf(tags, 'video'), audio: configOf(tags, 'audio') },
    video,
    audio,
  };
}

const codecOf = (tags: MediaTag[], track: Track): string | null => tags.find((tag) => tag.track === track)?.codec ?? null;
const configOf = (tags: MediaTag[], track: Track): Buffer | null =>
  tags.find((tag) => tag.track === track && tag.kind === 'config')?.payload ?? null;

function trackOf(track: Track, tags: MediaTag[]): SlateTrack | null {
  const frames = tags.filter((tag) => tag.track === track && tag.kind !== 'config');
  const [first, last] = [frames[0], frames.at(-1)];
  if (!first || !last) return null;
  const measured = (last.timeMs - first.timeMs) / Math.max(1, frames.length - 1);
  const stepMs = (track === 'audio' ? aacStepMs(configOf(tags, 'audio')) : null) ?? measured;
  return stepMs > 0 ? { frames, stepMs } : null;
}

/** Exact, where FLV's whole milliseconds would drift. */
function aacStepMs(config: Buffer | null): number | null {
  const packet = config && readAudioPacket(config);
  if (packet?.kind !== 'config' || packet.track !== 'audio') return null;
  const format = formatOfConfig(packet.codec, packet.body);
  return packet.codec === 'aac' && format ? (AAC_SAMPLES * 1000) / format.sampleRate : null;
}
