/* What the ingest uses of node-media-server 4.4.3, which ships no types. The version is pinned exactly. */

declare module 'node-media-server/src/session/rtmp_session.js' {
  import type { Socket } from 'node:net';

  interface ChunkStreamMessage {
    header: { fmt: number; cid: number; timestamp: number; length: number; type: number; stream_id: number };
    /** Milliseconds; the absolute time of the message being read. */
    clock: number;
    /** Reused by the next message of the same chunk stream. */
    payload: Buffer;
    capacity: number;
    bytes: number;
  }

  interface RtmpProtocol {
    handshakeState: number;
    handshakeBytes: number;
    parserState: number;
    /** The header of the chunk being read, how much of it is there, and how much of that is its first part. */
    parserBuffer: Buffer;
    parserBytes: number;
    parserBasicBytes: number;
    /** Never used by this protocol, and 1 MiB large. */
    flv: unknown;
    inChunkSize: number;
    /** Bytes after which the peer wants an acknowledgement; undefined until it says so. */
    ackSize?: number;
    parserPacket: ChunkStreamMessage;
    inPackets: Map<number, ChunkStreamMessage>;
    parserData(bytes: Buffer): string | null;
    /** `length` bytes of `data` from `from` on, behind the handshake. */
    chunkRead(data: Buffer, from: number, length: number): string | null;
    /** A header has been read: parserPacket is its chunk stream's. */
    packetParse(): void;
    chunkMessageHeaderRead(): number;
    packetAlloc(): void;
    /** A message is complete in parserPacket. */
    packetHandler(): void;
    controlHandler(): void;
    dataHandler(): void;
    /** A command message, AMF0 or AMF3, is in parserPacket. */
    invokeHandler(): void;
    /** The same of a user control message. */
    eventHandler(): void;
  }

  class RtmpSession {
    constructor(socket: Socket);
    rtmp: RtmpProtocol;
    run(): void;
    onPacket: (packet: { codec_type: number; dts: number; size: number; data: Buffer }) => void;
    onData: (data: Buffer) => void;
    onOutput: (bytes: Buffer) => void;
    onClose: () => void;
    onError: (error: Error) => void;
  }
  export = RtmpSession;
}

declare module 'node-media-server/src/core/logger.js' {
  const logger: { log: (message: string, level?: string) => void };
  export = logger;
}
