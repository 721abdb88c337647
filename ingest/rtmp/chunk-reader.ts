import type { RtmpSession } from './node-media-server.js';

type RtmpProtocol = RtmpSession['rtmp'];
type ChunkStreamMessage = RtmpProtocol['parserPacket'];

/** node-media-server's states of its parser, as numbers. */
const BEGINS = 0;
const READS_BASIC_HEADER = 1;
const READS_MESSAGE_HEADER = 2;
const READS_EXTENDED_TIMESTAMP = 3;
const READS_PAYLOAD = 4;

/** Bytes of the message header by chunk type (RTMP 5.3.1.2). */
const MESSAGE_HEADER_BYTES = [11, 7, 3, 0];
const ABSOLUTE = 0;
const CONTINUES = 3;
/** In the place of a time: it is in four bytes of its own (RTMP 5.3.1.3). */
const EXTENDED = 0xffffff;
const EXTENDED_BYTES = 4;

/** What is known of the extended timestamps of one chunk stream. */
interface Extended {
  /** The latest in a header. */
  said: number;
  /** The chunks that continue a message do without. */
  leftOut: boolean;
}

/**
 * Replaces node-media-server's reader of chunks by one that also understands encoders which leave the extended timestamp out
 * of the chunks that continue a message. The protocol wants it there (RTMP 5.3.1.3), and half of the encoders do: whether the
 * four bytes are the time of the message tells which, as in other servers.
 */
export function readChunksLeniently(rtmp: RtmpProtocol): void {
  const extended = new WeakMap<ChunkStreamMessage, Extended>();
  rtmp.chunkRead = (data, from, length) => {
    const end = from + length;
    let at = from;
    const fillHeader = (size: number): boolean => {
      const taken = Math.max(0, Math.min(size - rtmp.parserBytes, end - at));
      data.copy(rtmp.parserBuffer, rtmp.parserBytes, at, at + taken);
      rtmp.parserBytes += taken;
      at += taken;
      return rtmp.parserBytes >= size;
    };
    while (at < end) {
      switch (rtmp.parserState) {
        case BEGINS:
          rtmp.parserBytes = 0;
          fillHeader(1);
          rtmp.parserBasicBytes = basicHeaderBytes(rtmp.parserBuffer.readUInt8() & 0x3f);
          rtmp.parserState = READS_BASIC_HEADER;
          break;
        case READS_BASIC_HEADER:
          if (fillHeader(rtmp.parserBasicBytes)) rtmp.parserState = READS_MESSAGE_HEADER;
          break;
        case READS_MESSAGE_HEADER:
          if (!fillHeader(headerBytes(rtmp, rtmp.parserBuffer.readUInt8() >> 6))) break;
          rtmp.packetParse();
          rtmp.parserState = READS_EXTENDED_TIMESTAMP;
          break;
        case READS_EXTENDED_TIMESTAMP: {
          const message = rtmp.parserPacket;
          const size = headerBytes(rtmp, message.header.fmt);
          const known = extended.get(message);
          const isExtended = message.header.timestamp === EXTENDED;
          const isThere = isExtended && !(message.header.fmt === CONTINUES && known?.leftOut === true);
          if (isThere && !fillHeader(size + EXTENDED_BYTES)) break;
          rtmp.parserState = READS_PAYLOAD;
          const bytes = rtmp.parserBuffer.subarray(size, size + EXTENDED_BYTES);
          const time = isThere ? bytes.readUInt32BE() : isExtended ? (known?.said ?? 0) : message.header.timestamp;
          if (message.bytes === 0) {
            if (isThere) extended.set(message, { said: time, leftOut: known?.leftOut ?? false });
            message.clock = message.header.fmt === ABSOLUTE ? time : message.clock + time;
            rtmp.packetAlloc();
          } else if (isThere && known && time !== known.said && time !== message.clock) {
            known.leftOut = true;
            // They were the payload already, and perhaps what comes behind it.
            rtmp.chunkRead(Buffer.from(bytes), 0, EXTENDED_BYTES);
          }
          break;
        }
        default:
          at += readPayload(rtmp, data.subarray(at, end));
      }
    }
    return null;
  };
}

/** RTMP 5.3.1.1. */
const basicHeaderBytes = (first: number): number => (first === 0 ? 2 : first === 1 ? 3 : 1);

const headerBytes = ({ parserBasicBytes }: RtmpProtocol, chunkType: number): number =>
  parserBasicBytes + (MESSAGE_HEADER_BYTES[chunkType] ?? 0);

/** @returns how many of the bytes belong to this chunk */
function readPayload(rtmp: RtmpProtocol, bytes: Buffer): number {
  const message = rtmp.parserPacket;
  const { length } = message.header;
  const size = Math.min(rtmp.inChunkSize - (message.bytes % rtmp.inChunkSize), length - message.bytes, bytes.length);
  bytes.copy(message.payload, message.bytes, 0, size);
  message.bytes += size;
  if (message.bytes >= length) {
    rtmp.parserState = BEGINS;
    message.bytes = 0;
    rtmp.packetHandler();
  } else if (message.bytes % rtmp.inChunkSize === 0) rtmp.parserState = BEGINS;
  return size;
}
