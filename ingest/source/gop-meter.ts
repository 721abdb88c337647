import type { PassthroughObstacle, SourceGop } from '../../domain/passthrough.js';
import { readOrNull } from './bit-reader.js';
import type { VideoPacket } from '../rtmp/media-packet.js';
import { readH264Sps } from './sps.js';

/** Profiles that every player decodes (ITU-T H.264, annex A): baseline, main, high. Their samples are 8 bit, 4:2:0 or grey. */
const COMMON_PROFILES = new Set([66, 77, 100]);
const IDR_SLICE = 5;
const NON_IDR_SLICE = 1;
const NAL_TYPE_MASK = 0x1f;
/**
 * Milliseconds a frame may lie beside its place behind its keyframe: whole milliseconds, the encoder's own rounding, and
 * 29.97 fps announced as 30 (2 ms in a GOP of 2 s). More would make parts too long or too short for PART-TARGET.
 */
const FRAME_TOLERANCE_MS = 3;
/** A GOP longer than this (frames) is of no use to anybody; memory is not unlimited. */
const MAX_GOP_FRAMES = 1000;
const MS_PER_SECOND = 1000;
const BITS_PER_BYTE = 8;

/**
 * Measures the GOPs of an H.264 publisher from its first keyframe on, and notices the first picture that a copy could not
 * go on with. Takes every video packet before it is handed on.
 */
export class GopMeter {
  #obstacle: PassthroughObstacle | null = null;
  #config: Buffer | null = null;
  /** Bytes that a NAL unit's length takes. */
  #lengthBytes = 4;
  #frames = 0;
  #seconds = 0;
  #bitrate = 0;
  #keyMs: number | null = null;
  #newestMs = 0;
  /** Of the open GOP. */
  #count = 0;
  #bytes = 0;
  /** Until the frame rate is known. */
  #unchecked: { sinceKeyMs: number; place: number }[] = [];

  /** What was seen; null before the first keyframe. */
  get gop(): SourceGop | null {
    if (this.#keyMs === null && !this.#obstacle) return null;
    return {
      frames: this.#frames,
      seconds: this.#seconds,
      openSeconds: (this.#newestMs - (this.#keyMs ?? this.#newestMs)) / MS_PER_SECOND,
      bitrate: Math.round(this.#bitrate),
      obstacle: this.#obstacle,
    };
  }

  /**
   * @param timeMs decoding time
   * @param frameRate of the source; null while it is not known
   * @returns true when a copy has to end before this packet
   */
  add(packet: VideoPacket, timeMs: number, frameRate: number | null): boolean {
    if (this.#obstacle) return false;
    this.#obstacle = this.#take(packet, timeMs, frameRate);
    return this.#obstacle !== null;
  }

  #take(packet: VideoPacket, timeMs: number, frameRate: number | null): PassthroughObstacle | null {
    if (packet.codec !== 'h264') return 'not_h264';
    if (packet.kind === 'config') return this.#takeConfig(packet.body);
    if (this.#keyMs === null && packet.kind !== 'keyframe') return null;
    return packet.kind === 'keyframe'
      ? this.#takeKeyframe(packet.body, timeMs, frameRate)
      : this.#takeFrame(packet.body, timeMs, frameRate);
  }

  #takeConfig(avcC: Buffer): PassthroughObstacle | null {
    if (this.#config) return this.#config.equals(avcC) ? null : 'headers_changed';
    this.#config = Buffer.from(avcC);
    const sps = readOrNull(() => readH264Sps(avcC.subarray(8, 8 + avcC.readUInt16BE(6))));
    this.#lengthBytes = ((avcC[4] ?? 0) & 3) + 1;
    return sps?.framesOnly && COMMON_PROFILES.has(sps.profile) ? null : 'profile';
  }

  #takeKeyframe(body: Buffer, timeMs: number, frameRate: number | null): PassthroughObstacle | null {
    if (!this.#config) return 'profile';
    if (firstSlice(body, this.#lengthBytes) !== IDR_SLICE) return 'open_gop';
    const problem = this.#keyMs === null ? null : this.#closeGop(timeMs, frameRate);
    this.#keyMs = this.#newestMs = timeMs;
    this.#count = 1;
    this.#bytes = body.length;
    return problem;
  }

  #closeGop(timeMs: number, frameRate: number | null): PassthroughObstacle | null {
    const problem = this.#checkTime(timeMs, frameRate);
    if (problem) return problem;
    if (this.#frames > 0 && this.#count !== this.#frames) return 'irregular_gop';
    const seconds = (timeMs - this.#keyMs!) / MS_PER_SECOND;
    this.#frames = this.#count;
    if (this.#seconds === 0) this.#seconds = seconds;
    this.#bitrate = Math.max(this.#bitrate, (this.#bytes * BITS_PER_BYTE) / seconds);
    return null;
  }

  #takeFrame(body: Buffer, timeMs: number, frameRate: number | null): PassthroughObstacle | null {
    // The place of the next keyframe.
    if (this.#count === (this.#frames || MAX_GOP_FRAMES)) return 'irregular_gop';
    const problem = this.#checkTime(timeMs, frameRate);
    this.#newestMs = timeMs;
    this.#count += 1;
    this.#bytes += body.length;
    return problem;
  }

  #checkTime(timeMs: number, frameRate: number | null): PassthroughObstacle | null {
    this.#unchecked.push({ sinceKeyMs: timeMs - this.#keyMs!, place: this.#count });
    if (frameRate === null) return this.#unchecked.length > MAX_GOP_FRAMES ? 'frame_times' : null;
    const isBeside = this.#unchecked.some(
      ({ sinceKeyMs, place }) => Math.abs(sinceKeyMs - (place * MS_PER_SECOND) / frameRate) > FRAME_TOLERANCE_MS,
    );
    this.#unchecked = [];
    return isBeside ? 'frame_times' : null;
  }
}

/** Type of the first NAL unit that is a picture; null when there is none. */
function firstSlice(body: Buffer, lengthBytes: number): number | null {
  let offset = 0;
  while (offset + lengthBytes < body.length) {
    const type = body.readUInt8(offset + lengthBytes) & NAL_TYPE_MASK;
    if (type >= NON_IDR_SLICE && type <= IDR_SLICE) return type;
    offset += lengthBytes + body.readUIntBE(offset, lengthBytes);
  }
  return null;
}
