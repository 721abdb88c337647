import type { RtmpSession } from './node-media-server.js';

type RtmpProtocol = RtmpSession['rtmp'];

/** The peer broke RTMP's rules or our bounds; its connection is closed, nothing else. */
export class RtmpProtocolError extends Error {}

/** Everything but sound and picture: the metadata of the wordiest encoder is a few KiB. */
const MAX_COMMAND_BYTES = 64 * 1024;
/** A keyframe of 4K at 60 Mbit/s is about 2 MiB. RTMP would allow 16 MiB for each of 65 thousand chunk streams. */
const MAX_MESSAGE_BYTES = 8 * 1024 * 1024;
/** All half-received messages of one connection; the parser keeps each buffer at its largest size. */
const MAX_BUFFERED_BYTES = 4 * MAX_MESSAGE_BYTES;
/*
 * Whoever has not shown a key of ours gets 128 KiB in all: what the parser keeps (48 KiB, here), what waits in the socket
 * behind the publish command (64 KiB), and what it has been told and does not read (16 KiB; both in rtmp-connection.ts). A
 * few bytes announce a message: without this wall a thousand connections take gigabytes for as many kilobytes sent.
 */
/** `connect` with a long address is under 2 KiB. What a command said (names, addresses) stays in memory beside its buffer. */
const MAX_UNKNOWN_COMMAND_BYTES = 16 * 1024;
const MAX_UNKNOWN_BUFFERED_BYTES = 48 * 1024;
/** The parser makes each buffer this much larger than its message. */
const ALLOCATION_SLACK_BYTES = 1024;
/** Encoders use three to six. */
const MAX_CHUNK_STREAMS = 64;
/** RTMP 5.4.1: chunks need not be larger than a message can be; 0 would make the parser stop reading. */
const MAX_CHUNK_BYTES = 0xffffff;
const CONTROL_BYTES = 4;
const AUDIO = 8;
const VIDEO = 9;
const AGGREGATE = 22;
const SET_CHUNK_SIZE = 1;
const WINDOW_ACKNOWLEDGEMENT_SIZE = 5;
const CLOCK_WRAP_MS = 2 ** 32;

/**
 * Bounds what node-media-server's chunk parser takes from the announced numbers of a peer. Each check throws
 * RtmpProtocolError out of the parser.
 *
 * @param isAccepted whether its key was accepted: media may come then
 */
export function guardParser(rtmp: RtmpProtocol, isAccepted: () => boolean): void {
  const packetAlloc = rtmp.packetAlloc.bind(rtmp);
  rtmp.packetAlloc = () => {
    const message = rtmp.parserPacket;
    checkLength(message.header, isAccepted());
    if (rtmp.inPackets.size > MAX_CHUNK_STREAMS) throw new RtmpProtocolError('too many chunk streams');
    if (message.header.length > message.capacity) checkBuffered(rtmp, isAccepted());
    // The parser would drop every message after 2^32 ms of added-up deltas.
    message.clock %= CLOCK_WRAP_MS;
    packetAlloc();
  };

  const readHeader = rtmp.chunkMessageHeaderRead.bind(rtmp);
  rtmp.chunkMessageHeaderRead = () => {
    const { header, bytes } = rtmp.parserPacket;
    const { length, type } = header;
    const read = readHeader();
    // The buffer is as large as announced first, and the parser would read backwards in a message that shrinks.
    const changed = bytes > 0 && (header.length !== length || header.type !== type);
    if (changed) throw new RtmpProtocolError('another message begins within a message');
    return read;
  };

  const controlHandler = rtmp.controlHandler.bind(rtmp);
  rtmp.controlHandler = () => {
    const { header } = rtmp.parserPacket;
    const hasNumber = header.type === SET_CHUNK_SIZE || header.type === WINDOW_ACKNOWLEDGEMENT_SIZE;
    if (hasNumber && header.length < CONTROL_BYTES) throw new RtmpProtocolError('control message too short');
    controlHandler();
    if (rtmp.inChunkSize < 1 || rtmp.inChunkSize > 0x7fffffff) throw new RtmpProtocolError('chunk size out of range');
    rtmp.inChunkSize = Math.min(rtmp.inChunkSize, MAX_CHUNK_BYTES);
  };

  const dataHandler = rtmp.dataHandler.bind(rtmp);
  rtmp.dataHandler = () => {
    if (rtmp.parserPacket.header.length > 0) dataHandler();
  };
}

function checkLength({ length, type }: { length: number; type: number }, isAccepted: boolean): void {
  const isMedia = type === AUDIO || type === VIDEO || type === AGGREGATE;
  const known = isMedia ? MAX_MESSAGE_BYTES : MAX_COMMAND_BYTES;
  if (length > (isAccepted ? known : MAX_UNKNOWN_COMMAND_BYTES)) throw new RtmpProtocolError(`message of ${length} bytes`);
}

function checkBuffered(rtmp: RtmpProtocol, isAccepted: boolean): void {
  const { header, capacity } = rtmp.parserPacket;
  let buffered = header.length + ALLOCATION_SLACK_BYTES - capacity;
  for (const message of rtmp.inPackets.values()) buffered += message.capacity;
  if (buffered > (isAccepted ? MAX_BUFFERED_BYTES : MAX_UNKNOWN_BUFFERED_BYTES)) throw new RtmpProtocolError('too much half-received data');
}
