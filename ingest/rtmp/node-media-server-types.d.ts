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
    /** Never used by this protocol, and 1 MiB large. */
    flv: unknown;
    /** What `connect` said. */
    connectCmdObj?: unknown;
    objectEncoding?: unknown;
    streamQuery?: unknown;
    inChunkSize: number;
    /** Bytes after which the peer wants an acknowledgement; undefined until it says so. */
    ackSize?: number;
    streamApp?: unknown;
    streamId: number;
    parserPacket: ChunkStreamMessage;
    inPackets: Map<number, ChunkStreamMessage>;
    parserData(bytes: Buffer): string | null;
    chunkMessageHeaderRead(): number;
    packetAlloc(): void;
    controlHandler(): void;
    dataHandler(): void;
    respondConnect(transactionId: unknown): void;
    respondPublish(): void;
    respondPlay(): void;
    onDeleteStream(message: unknown): void;
    sendACK(bytes: number): void;
    sendStatusMessage(streamId: number, level: string, code: string, description: string): void;
  }

  class RtmpSession {
    constructor(socket: Socket);
    rtmp: RtmpProtocol;
    run(): void;
    onConnect: (request: { app: string; name: string; host: string; query: unknown }) => void;
    onPush: () => void;
    onPlay: () => void;
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

declare module 'node-media-server/src/protocol/amf.js' {
  export function decodeAmf0Data(payload: Buffer): { cmd?: unknown; dataObj?: unknown };
}
