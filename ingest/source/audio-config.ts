import type { AudioCodec } from '../../domain/source.js';
import { BitReader, readOrNull } from './bit-reader.js';

export interface AudioFormat {
  /** Hz */
  sampleRate: number;
  channels: number;
}

/**
 * Sample rate and channels from a codec's sequence header; null when it is not in there or cannot be read.
 *
 * @param config AudioSpecificConfig (AAC), OpusHead, or STREAMINFO with its `fLaC` marker
 */
export function formatOfConfig(codec: AudioCodec, config: Buffer): AudioFormat | null {
  return readOrNull(() => {
    switch (codec) {
      case 'aac':
        return plausible(formatOfAac(config));
      case 'opus':
        return plausible(formatOfOpus(config));
      case 'flac':
        return plausible(formatOfFlac(config));
      default:
        return null;
    }
  });
}

/** Sample rate and channels from one frame, for codecs whose frames say them; null for the others. */
export function formatOfFrame(codec: AudioCodec, frame: Buffer): AudioFormat | null {
  return readOrNull(() => {
    switch (codec) {
      case 'mp3':
        return plausible(formatOfMp3(frame));
      case 'ac3':
        return plausible(formatOfAc3(frame));
      case 'eac3':
        return plausible(formatOfEac3(frame));
      case 'opus':
        return { sampleRate: OPUS_RATE, channels: 2 };
      default:
        return null;
    }
  });
}

const plausible = (format: AudioFormat | null): AudioFormat | null =>
  format && format.sampleRate >= 4000 && format.sampleRate <= 384_000 && format.channels >= 1 ? format : null;

const AAC_RATES = [96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350];
const AAC_CHANNELS = [0, 1, 2, 3, 4, 5, 6, 8];
const AAC_SBR = 5;
const AAC_PS = 29;
const AAC_ESCAPE = 31;
const RATE_ESCAPE = 15;
const SBR_SYNC = 0x2b7;
const PS_SYNC = 0x548;

/** AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1), with SBR and PS said openly or in the backward-compatible tail. */
function formatOfAac(config: Buffer): AudioFormat | null {
  const bits = new BitReader(config);
  const type = readAacType(bits);
  let sampleRate = readAacRate(bits);
  const channelConfig = bits.read(4);
  let stereoByPs = type === AAC_PS;
  const openly = type === AAC_SBR || type === AAC_PS;
  if (openly) {
    sampleRate = readAacRate(bits);
    readAacType(bits); // of the core coder
  }
  const channels = skipGeneralConfig(bits, channelConfig);
  if (!openly && bits.left >= 16 && bits.read(11) === SBR_SYNC && readAacType(bits) === AAC_SBR && bits.flag()) {
    sampleRate = readAacRate(bits);
    stereoByPs = bits.left >= 12 && bits.read(11) === PS_SYNC && bits.flag();
  }
  return { sampleRate, channels: stereoByPs && channels === 1 ? 2 : channels };
}

function readAacType(bits: BitReader): number {
  const type = bits.read(5);
  return type === AAC_ESCAPE ? 32 + bits.read(6) : type;
}

function readAacRate(bits: BitReader): number {
  const index = bits.read(4);
  return index === RATE_ESCAPE ? bits.read(24) : (AAC_RATES[index] ?? 0);
}

/** GASpecificConfig (4.4.1); the channel count, from the program config element when the short number is 0. */
function skipGeneralConfig(bits: BitReader, channelConfig: number): number {
  if (bits.left < 3) return AAC_CHANNELS[channelConfig] ?? 0;
  bits.skip(1); // frameLengthFlag
  if (bits.flag()) bits.skip(14); // coreCoderDelay
  bits.skip(1); // extensionFlag
  return channelConfig === 0 ? channelsOfProgram(bits) : (AAC_CHANNELS[channelConfig] ?? 0);
}

/** program_config_element (4.4.1.1), up to its lists of channel elements; a pair element holds two channels. */
function channelsOfProgram(bits: BitReader): number {
  bits.skip(4 + 2 + 4);
  const elements = bits.read(4) + bits.read(4) + bits.read(4);
  const lowFrequency = bits.read(2);
  bits.skip(3 + 4);
  if (bits.flag()) bits.skip(4);
  if (bits.flag()) bits.skip(4);
  if (bits.flag()) bits.skip(3);
  let channels = lowFrequency;
  for (let element = 0; element < elements; element += 1) {
    channels += bits.flag() ? 2 : 1;
    bits.skip(4);
  }
  return channels;
}

/** Opus always decodes at 48 kHz (RFC 7845, 5.1). */
const OPUS_RATE = 48000;

function formatOfOpus(config: Buffer): AudioFormat | null {
  if (config.toString('latin1', 0, 8) !== 'OpusHead') return null;
  return { sampleRate: OPUS_RATE, channels: config.readUInt8(9) };
}

/** RFC 9639, 8.2: the marker, a block header of 4 bytes, then 10 bytes of sizes before the sample rate. */
function formatOfFlac(config: Buffer): AudioFormat | null {
  const marker = config.toString('latin1', 0, 4) === 'fLaC' ? 4 + 4 : 0;
  const bits = new BitReader(config.subarray(marker + 10));
  return { sampleRate: bits.read(20), channels: bits.read(3) + 1 };
}

const MP3_RATES = [44100, 48000, 32000];
/** MPEG version bits of a frame header → divisor of the rate: 2.5, reserved, 2, 1. */
const MP3_DIVISORS = [4, 0, 2, 1];
const MP3_MONO = 3;

function formatOfMp3(frame: Buffer): AudioFormat | null {
  const bits = new BitReader(frame);
  if (bits.read(11) !== 0x7ff) return null;
  const divisor = MP3_DIVISORS[bits.read(2)] ?? 0;
  bits.skip(2 + 1 + 4); // layer, protection, bitrate
  const rate = MP3_RATES[bits.read(2)];
  bits.skip(2);
  const mode = bits.read(2);
  if (rate === undefined || divisor === 0) return null;
  return { sampleRate: rate / divisor, channels: mode === MP3_MONO ? 1 : 2 };
}

const AC3_RATES = [48000, 44100, 32000];
const AC3_CHANNELS = [2, 1, 2, 3, 3, 4, 4, 5];
const AC3_SYNC = 0x0b77;

/** ATSC A/52, 5.3: the mix-level fields between acmod and lfeon depend on acmod. */
function formatOfAc3(frame: Buffer): AudioFormat | null {
  const bits = new BitReader(frame);
  if (bits.read(16) !== AC3_SYNC) return null;
  bits.skip(16);
  const rate = AC3_RATES[bits.read(2)];
  bits.skip(6 + 5 + 3);
  const mode = bits.read(3);
  if ((mode & 1) !== 0 && mode !== 1) bits.skip(2);
  if ((mode & 4) !== 0) bits.skip(2);
  if (mode === 2) bits.skip(2);
  return rate === undefined ? null : { sampleRate: rate, channels: (AC3_CHANNELS[mode] ?? 0) + bits.read(1) };
}

const EAC3_LOW_RATE = 3;

/** ATSC A/52, E.1.2; fscod 3 means half of the rate that fscod2 names. */
function formatOfEac3(frame: Buffer): AudioFormat | null {
  const bits = new BitReader(frame);
  if (bits.read(16) !== AC3_SYNC) return null;
  bits.skip(2 + 3 + 11);
  const code = bits.read(2);
  const second = bits.read(2);
  const rate = code === EAC3_LOW_RATE ? (AC3_RATES[second] ?? 0) / 2 : AC3_RATES[code];
  const mode = bits.read(3);
  return rate === undefined ? null : { sampleRate: rate, channels: (AC3_CHANNELS[mode] ?? 0) + bits.read(1) };
}
