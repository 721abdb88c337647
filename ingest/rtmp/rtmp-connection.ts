import type { Socket } from 'node:net';
import type { ConnectionPhase } from '../limits.js';
import { splitAggregate } from './aggregate.js';
import { readChunksLeniently } from './chunk-reader.js';
import { controlMessage, withoutSelector } from './command-message.js';
import { RtmpSession } from './node-media-server.js';
import { parseSteps } from './parser-steps.js';
import type { PublishAddress } from './publish-address.js';
import { RtmpCommands } from './rtmp-commands.js';
import { guardParser, RtmpProtocolError } from './rtmp-guard.js';

/** What happens on one RTMP connection, in this order; `closed` comes exactly once. */
export interface RtmpHandlers {
  /** The publish command; answer with `accept` or `refuse`. What comes behind it waits unread in the socket meanwhile. */
  publish(request: PublishAddress): void;
  /** One audio, video or data message; the payload is valid during the call only. */
  media(type: number, timestampMs: number, payload: Buffer): void;
  /** The encoder has ended its publish; its connection follows. */
  ended(): void;
  /** The peer broke the protocol; the connection is being closed. */
  protocolError(error: Error): void;
  closed(): void;
}

/** onStatus codes (RTMP 7.2.2); BadName is what encoders know as "cannot publish here". */
const PUBLISH_START = 'NetStream.Publish.Start';
const PUBLISH_REFUSED = 'NetStream.Publish.BadName';
const PLAY_REFUSED = 'NetStream.Play.Failed';
const LEFT_MESSAGE = 'This connection has ended its publish; to publish again, connect again.';
const PLAY_MESSAGE = 'This address takes streams; to watch one, open its playback address.';

/** Message types (RTMP 7.1). */
const DATA_AMF3 = 15;
const DATA_AMF0 = 18;
const AGGREGATE = 22;

const RTMP_VERSION = 3;
const HANDSHAKE_DONE = 3;
/** Longer names are no stream keys of ours and are not worth asking Postgres about. */
const MAX_KEY_LENGTH = 256;
/** How long an encoder that has ended its publish may take to close: one that is closed by the server takes it for an error. */
const LEAVE_MS = 3000;
/** How long the peer may take to read why it is refused, before the socket is destroyed. */
const FAREWELL_MS = 1000;
/** Bytes between acknowledgements; some hardware encoders stop sending without them (RTMP 5.4.3). */
const ACKNOWLEDGE_BYTES = 2_500_000;
const MIN_ACKNOWLEDGE_BYTES = 65_536;
const ACKNOWLEDGEMENT = 3;
/** Several times the longest exchange before a publish; what an encoder must hear fits in. */
const MAX_UNSENT_BYTES = 16 * 1024;
/** Finds half-open connections the silence limits do not see: those that wait for a publish command. */
const KEEP_ALIVE_MS = 10_000;

/**
 * For the listener whose sockets become RtmpConnections. A paused socket goes on reading until it holds this much: one read
 * of 64 KiB at most this way, two with Node's default.
 */
export const SOCKET_OPTIONS = { highWaterMark: 1024 };

/**
 * One encoder's connection: node-media-server's RtmpSession for the protocol, with its broadcasting, playing and
 * logging replaced. Nothing of it outlives the socket, and no error in its parser leaves this class.
 */
export class RtmpConnection {
  /** host:port */
  readonly remoteAddress: string;
  bytesIn = 0;
  lastByteAt = Date.now();
  readonly #socket: Socket;
  readonly #session: RtmpSession;
  readonly #handlers: RtmpHandlers;
  #phase: ConnectionPhase = 'handshake';
  #phaseSince = Date.now();
  #acknowledged = 0;
  #acceptedAt = 0;
  readonly #commands: RtmpCommands;

  constructor(socket: Socket, handlers: RtmpHandlers) {
    this.#socket = socket;
    this.#handlers = handlers;
    this.remoteAddress = `${socket.remoteAddress}:${socket.remotePort}`;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    this.#commands = new RtmpCommands({
      send: (bytes) => this.#send(bytes),
      publish: (address) => this.#publish(address),
      play: () => this.refuse(PLAY_MESSAGE, PLAY_REFUSED),
      unpublish: () => this.#leave(),
      isAccepted: () => this.#isKnown,
    });
    this.#session = this.#createSession(socket);
    this.#session.run();
  }

  get phase(): ConnectionPhase {
    return this.#phase;
  }

  /** Milliseconds since the phase began. */
  phaseMs(now: number): number {
    return now - this.#phaseSince;
  }

  /** Milliseconds since the publish was accepted. */
  get sinceAcceptMs(): number {
    return Date.now() - this.#acceptedAt;
  }

  /** Answers the publish command with yes; media follows. */
  accept(): void {
    if (this.#phase !== 'claiming') return;
    this.#enter('probing');
    this.#acceptedAt = this.lastByteAt = Date.now();
    this.#commands.status('status', PUBLISH_START, 'Publishing.');
    this.#socket.resume();
  }

  /** The media is described; from now on only silence ends it. */
  goLive(): void {
    if (this.#phase === 'probing') this.#enter('live');
  }

  /** Says why and closes; `description` is shown by the encoder. */
  refuse(description: string, code = PUBLISH_REFUSED): void {
    if (this.#phase === 'closing') return;
    if (this.#session.rtmp.handshakeState === HANDSHAKE_DONE) this.#commands.status('error', code, description);
    this.close();
  }

  /** Ends the connection after what was written; bytes that still come are thrown away. */
  close(): void {
    if (this.#phase === 'closing') return;
    this.#enter('closing');
    // Unread bytes would turn the end into a reset, and the peer would never see the reason.
    this.#socket.resume();
    this.#socket.end();
    const farewell = setTimeout(() => this.#socket.destroy(), FAREWELL_MS);
    this.#socket.once('close', () => clearTimeout(farewell));
  }

  /** Ends it at once, for peers that no longer read. */
  destroy(): void {
    this.#enter('closing');
    this.#socket.destroy();
  }

  #enter(phase: ConnectionPhase): void {
    this.#phase = phase;
    this.#phaseSince = Date.now();
  }

  #createSession(socket: Socket): RtmpSession {
    const session = new RtmpSession(socket);
    const { rtmp } = session;
    rtmp.flv = null;
    session.onData = (data) => this.#receive(data);
    session.onPacket = ({ codec_type, dts, size, data }) => this.#media(codec_type, dts, data.subarray(0, size));
    session.onClose = () => {
      this.#enter('closing');
      this.#handlers.closed();
    };
    session.onOutput = (bytes) => this.#send(bytes);
    // 'close' follows every 'error'; a reset connection is no more than a closed one.
    session.onError = () => undefined;
    const payload = (): Buffer => rtmp.parserPacket.payload.subarray(0, rtmp.parserPacket.header.length);
    rtmp.invokeHandler = () => {
      const { type, stream_id: streamId } = rtmp.parserPacket.header;
      if (this.#phase !== 'closing') this.#commands.take(type, streamId, payload());
    };
    rtmp.eventHandler = () => this.#commands.takeControl(payload());
    const packetHandler = rtmp.packetHandler.bind(rtmp);
    rtmp.packetHandler = () => {
      if (rtmp.parserPacket.header.type !== AGGREGATE) packetHandler();
      else for (const part of splitAggregate(payload(), rtmp.parserPacket.clock)) this.#media(part.type, part.timestampMs, part.payload);
    };
    readChunksLeniently(rtmp);
    guardParser(rtmp, () => this.#isKnown);
    return session;
  }

  get #isAccepted(): boolean {
    return this.#phase === 'probing' || this.#phase === 'live';
  }

  /** It has shown a key of ours; its publish may be over. */
  get #isKnown(): boolean {
    return this.#isAccepted || this.#phase === 'leaving';
  }

  #receive(data: Buffer): void {
    if (this.#phase === 'closing') return;
    const first = this.bytesIn === 0;
    this.lastByteAt = Date.now();
    this.#guarded(() => {
      if (first && data[0] !== RTMP_VERSION) throw new RtmpProtocolError('not RTMP');
      this.#parse(data);
      if (this.#session.rtmp.handshakeState !== HANDSHAKE_DONE) return;
      if (this.#phase === 'handshake') this.#enter('command');
      this.#acknowledge();
    });
  }

  #parse(data: Buffer): void {
    const { rtmp } = this.#session;
    if (this.#isKnown) {
      this.bytesIn += data.length;
      rtmp.parserData(data);
      return;
    }
    const read = parseSteps(rtmp, data, () => this.#phase === 'claiming' || this.#phase === 'closing');
    this.bytesIn += read;
    // Read again after `accept`; until then the socket takes nothing more from the kernel (see SOCKET_OPTIONS).
    if (this.#phase === 'claiming' && read < data.length) this.#socket.unshift(data.subarray(read));
  }

  #guarded(read: () => void): void {
    try {
      read();
    } catch (error) {
      // Whatever a peer's bytes did to the parser: this connection ends, and only this one.
      this.destroy();
      this.#handlers.protocolError(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #acknowledge(): void {
    const { rtmp } = this.#session;
    const window = Math.max(MIN_ACKNOWLEDGE_BYTES, Math.min(rtmp.ackSize ?? ACKNOWLEDGE_BYTES, ACKNOWLEDGE_BYTES));
    if (this.bytesIn - this.#acknowledged < window) return;
    this.#acknowledged = this.bytesIn;
    const read = Buffer.alloc(4);
    read.writeUInt32BE(this.bytesIn % 2 ** 32);
    this.#send(controlMessage(ACKNOWLEDGEMENT, read));
  }

  #publish(address: PublishAddress): void {
    if (this.#phase === 'closing') return;
    if (this.#phase === 'leaving') {
      this.refuse(LEFT_MESSAGE);
      return;
    }
    if (this.#phase !== 'handshake' && this.#phase !== 'command') throw new RtmpProtocolError('second publish command');
    this.#enter('claiming');
    this.#socket.pause();
    const { streamKey } = address;
    this.#handlers.publish({ ...address, streamKey: streamKey.length <= MAX_KEY_LENGTH ? streamKey : '' });
  }

  /** The publish is over. The encoder closes; only where it does not, we do. */
  #leave(): boolean {
    if (!this.#isAccepted) return false;
    this.#enter('leaving');
    this.#handlers.ended();
    const limit = setTimeout(() => this.close(), LEAVE_MS);
    this.#socket.once('close', () => clearTimeout(limit));
    return true;
  }

  #send(bytes: Buffer): void {
    // A command may follow in the same bytes as one that was refused; the socket is ended by then. And answers to a peer that
    // does not read them are not hoarded.
    const socket = this.#socket;
    if (!socket.writableEnded && socket.writableLength + bytes.length <= MAX_UNSENT_BYTES) socket.write(bytes);
  }

  #media(type: number, timestampMs: number, payload: Buffer): void {
    if (!this.#isAccepted) return;
    if (type === DATA_AMF3) this.#handlers.media(DATA_AMF0, timestampMs, withoutSelector(payload));
    else this.#handlers.media(type, timestampMs, payload);
  }
}
