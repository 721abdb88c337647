import { HoldfastError } from '../../domain/errors.js';
import type { AudioCodec, AudioSource, SourceLayout, VideoCodec, VideoSource } from '../../domain/source.js';
import { formatOfConfig, formatOfFrame, type AudioFormat } from './audio-config.js';
import { measureFrameRate } from './frame-rate.js';
import type { AudioPacket, MediaPacket, VideoPacket } from '../rtmp/media-packet.js';
import type { StreamMetadata } from '../rtmp/stream-metadata.js';
import type { PictureSize } from './picture-size.js';
import { sizeOfConfig, sizeOfKeyframe } from './video-config.js';

/** Media to see of one track before the other, of which nothing was said, is taken for absent. */
const WAIT_UNANNOUNCED_MS = 500;
/** The same when onMetaData lists the present track and not the missing one. */
const WAIT_DENIED_MS = 200;
/** The same when onMetaData, or a sequence header without frames, promises it. */
const WAIT_ANNOUNCED_MS = 1000;
/** Frame times kept for the measurement; more than it ever needs. */
const MAX_FRAME_TIMES = 64;

/** What is known of one track while the layout is open. */
export interface TrackEvidence<T> {
  /** Complete description, or null while something of it is missing. */
  source: T | null;
  /** Frames have come, so the track is certainly there. */
  seen: boolean;
  /** onMetaData or a sequence header promises it; null = nothing was said about it. */
  announced: boolean | null;
}

export interface LayoutEvidence {
  video: TrackEvidence<VideoSource>;
  audio: TrackEvidence<AudioSource>;
  /** Milliseconds of media since the first frame of any track. */
  elapsedMs: number;
}

/** The layout as soon as it can be told, else null: a track that has sent frames is always waited for. */
export function decideLayout({ video, audio, elapsedMs }: LayoutEvidence): SourceLayout | null {
  if (!video.source && !audio.source) return null;
  if (!settled(video, elapsedMs) || !settled(audio, elapsedMs)) return null;
  return { video: video.source, audio: audio.source };
}

function settled(track: TrackEvidence<unknown>, elapsedMs: number): boolean {
  if (track.source) return true;
  if (track.seen) return false;
  if (track.announced === null) return elapsedMs >= WAIT_UNANNOUNCED_MS;
  return elapsedMs >= (track.announced ? WAIT_ANNOUNCED_MS : WAIT_DENIED_MS);
}

interface VideoTrack {
  codec: VideoCodec;
  /** A sequence header has come. */
  configured: boolean;
  size: PictureSize | null;
  frames: boolean;
  /** Decoding times from the first decodable keyframe on. */
  times: number[];
}

interface AudioTrack {
  codec: AudioCodec;
  format: AudioFormat | null;
  frames: boolean;
}

/** Learns what a publisher really sends, from its first packets on, and follows later changes of its codec headers. */
export class SourceProbe {
  #layout: SourceLayout | null = null;
  #metadata: StreamMetadata | null = null;
  #video: VideoTrack | null = null;
  #audio: AudioTrack | null = null;
  #firstMs: number | null = null;
  #newestMs = 0;

  /** What the publisher sends, or null while it cannot be told. */
  get layout(): SourceLayout | null {
    return this.#layout;
  }

  describe(metadata: StreamMetadata): void {
    this.#metadata = metadata;
  }

  /**
   * @param timeMs decoding time on one clock for both tracks
   * @throws HoldfastError publish_unsupported_codec
   */
  add(packet: MediaPacket, timeMs: number): void {
    if (packet.kind === 'ignored') return;
    if (packet.kind === 'unsupported') {
      if (this.#layout && !this.#layout[packet.track]) return;
      throw unsupported(packet.track, packet.codecName);
    }
    if (packet.track === 'video') this.#addVideo(packet, timeMs);
    else this.#addAudio(packet);
    if (packet.kind !== 'config') {
      this.#firstMs ??= timeMs;
      this.#newestMs = Math.max(this.#newestMs, timeMs);
    }
    if (this.#layout) this.#follow(packet);
    else this.#layout = decideLayout(this.#evidence());
  }

  #addVideo(packet: VideoPacket, timeMs: number): void {
    if (this.#video?.codec !== packet.codec) {
      this.#video = { codec: packet.codec, configured: false, size: null, frames: false, times: [] };
    }
    const video = this.#video;
    if (packet.kind === 'config') {
      video.configured = true;
      video.size = sizeOfConfig(packet.codec, packet.body) ?? this.#metadata?.size ?? null;
      return;
    }
    video.frames = true;
    if (packet.kind === 'keyframe' && video.configured) {
      video.size = sizeOfKeyframe(packet.codec, packet.body) ?? video.size ?? this.#metadata?.size ?? null;
      if (!video.size) throw unsupported('video', `${packet.codec} without a readable picture size`);
    }
    const decodable = video.times.length > 0 || (packet.kind === 'keyframe' && video.configured);
    if (decodable && video.times.length < MAX_FRAME_TIMES) video.times.push(timeMs);
  }

  #addAudio(packet: AudioPacket): void {
    if (this.#audio?.codec !== packet.codec) this.#audio = { codec: packet.codec, format: null, frames: false };
    const audio = this.#audio;
    if (packet.kind === 'config') {
      audio.format = formatOfConfig(packet.codec, packet.body) ?? audio.format;
      return;
    }
    audio.format ??= formatOfFrame(packet.codec, packet.body);
    audio.frames = true;
  }

  /** A new size or sound format in mid-stream; the tracks themselves stay those the broadcast began with. */
  #follow(packet: VideoPacket | AudioPacket): void {
    const layout = this.#layout;
    if (!layout) return;
    const size = this.#video?.size;
    if (packet.track === 'video' && packet.kind !== 'frame' && layout.video && size) {
      const { width, height } = size;
      this.#layout = { ...layout, video: { ...layout.video, codec: packet.codec, width, height } };
    }
    const format = this.#audio?.format;
    if (packet.track === 'audio' && packet.kind === 'config' && layout.audio && format) {
      this.#layout = { ...layout, audio: { codec: packet.codec, ...format } };
    }
  }

  #evidence(): LayoutEvidence {
    const says = this.#metadata;
    const said = says !== null && (says.hasVideo || says.hasAudio);
    return {
      elapsedMs: this.#firstMs === null ? 0 : this.#newestMs - this.#firstMs,
      video: {
        source: this.#videoSource(),
        seen: this.#video?.frames ?? false,
        announced: this.#video ? true : said ? says.hasVideo : null,
      },
      audio: {
        source: this.#audio?.frames && this.#audio.format ? { codec: this.#audio.codec, ...this.#audio.format } : null,
        seen: this.#audio?.frames ?? false,
        announced: this.#audio ? true : said ? says.hasAudio : null,
      },
    };
  }

  #videoSource(): VideoSource | null {
    const video = this.#video;
    const first = video?.times[0];
    if (!video?.size || first === undefined) return null;
    const frameRate = measureFrameRate({
      times: video.times,
      elapsedMs: this.#newestMs - first,
      announced: this.#metadata?.frameRate ?? null,
    });
    return frameRate === null ? null : { codec: video.codec, ...video.size, frameRate };
  }
}

const unsupported = (track: 'video' | 'audio', what: string): HoldfastError =>
  new HoldfastError('publish_unsupported_codec', `The encoder sends ${track} Holdfast cannot decode: ${what}.`);
