import type { RtmpSession } from './node-media-server.js';

type RtmpProtocol = RtmpSession['rtmp'];

const HANDSHAKE_BYTES = 1536;
/** node-media-server's states, as numbers. */
const HANDSHAKE_UNBEGUN = 0;
const HANDSHAKE_DONE = 3;
const READS_PAYLOAD = 4;

/**
 * Lets the parser read `data` in steps that never go beyond the end of a message, until it has read all or `isEnough` after
 * a step. The parser itself always reads to the end of what it is given.
 *
 * @returns how many bytes it has read
 */
export function parseSteps(rtmp: RtmpProtocol, data: Buffer, isEnough: () => boolean): number {
  let read = 0;
  while (read < data.length && !isEnough()) {
    const step = Math.min(stepOf(rtmp), data.length - read);
    rtmp.parserData(data.subarray(read, read + step));
    read += step;
  }
  return read;
}

/** At least 1: headers are read byte by byte, since each byte decides how many follow. */
function stepOf(rtmp: RtmpProtocol): number {
  if (rtmp.handshakeState === HANDSHAKE_UNBEGUN) return 1;
  if (rtmp.handshakeState !== HANDSHAKE_DONE) return HANDSHAKE_BYTES - rtmp.handshakeBytes;
  const { header, bytes } = rtmp.parserPacket;
  if (rtmp.parserState !== READS_PAYLOAD) return 1;
  return Math.max(1, Math.min(rtmp.inChunkSize - (bytes % rtmp.inChunkSize), header.length - bytes));
}
