import { type AmfValue, isObject } from './amf-bytes.js';
import { answersTo, UNPUBLISH_SUCCESS } from './command-answers.js';
import { commandMessage, controlMessage, readCommand, type RtmpCommand } from './command-message.js';
import { appOf, type PublishAddress, publishAddress } from './publish-address.js';
import { RtmpProtocolError } from './rtmp-guard.js';

export interface CommandHandlers {
  send(bytes: Buffer): void;
  publish(address: PublishAddress): void;
  play(): void;
  /** The peer ends its publish. Whether there was one. */
  unpublish(): boolean;
  /** Its key was accepted: it may be answered as often as it asks. */
  isAccepted(): boolean;
}

/** Message types (RTMP 5.4, 7.1). */
const SET_CHUNK_SIZE = 1;
const USER_CONTROL = 4;
const WINDOW_ACKNOWLEDGEMENT_SIZE = 5;
const SET_PEER_BANDWIDTH = 6;
/** User control events (RTMP 7.1.7). */
const PING_REQUEST = 6;
const PING_RESPONSE = 7;
const PING_BYTES = 6;

/** In force until another one is announced (RTMP 5.4.1). */
const DEFAULT_CHUNK_BYTES = 128;
/** Whatever we say fits into one chunk. */
const CHUNK_BYTES = 0xffff;
/** How many bytes either side may send unacknowledged: what other servers announce. */
const WINDOW_BYTES = 5_000_000;
/** "Dynamic" (RTMP 5.4.5). */
const LIMIT_TYPE = 2;
/** A handshake asks five things or six; more than that of a peer without a key stays unanswered. */
const MAX_UNKNOWN_ANSWERS = 64;

/** The commands of one connection, from `connect` to the end of its publish, and the answers to them. */
export class RtmpCommands {
  readonly #handlers: CommandHandlers;
  #chunkBytes = DEFAULT_CHUNK_BYTES;
  #app = '';
  #streams = 0;
  #answered = 0;
  /** The message stream of the publish command. */
  #streamId = 0;

  constructor(handlers: CommandHandlers) {
    this.#handlers = handlers;
  }

  /**
   * One command message, AMF0 or AMF3.
   *
   * @throws AmfError, RtmpProtocolError
   */
  take(type: number, streamId: number, payload: Buffer): void {
    const command = readCommand(type, payload);
    switch (command.name) {
      case 'connect':
        this.#connect(command);
        break;
      case 'createStream':
        this.#streams += 1;
        this.#say(0, '_result', command.transactionId, null, this.#streams);
        break;
      case 'publish':
        this.#publish(command, streamId);
        break;
      case 'play':
        this.#streamId = streamId;
        this.#handlers.play();
        break;
      case 'FCUnpublish':
      case 'closeStream':
      case 'deleteStream':
        this.#answer(command);
        this.#unpublish();
        break;
      default:
        this.#answer(command);
    }
  }

  /** A user control message: who asks whether we are there is told so. */
  takeControl(payload: Buffer): void {
    if (payload.length < PING_BYTES || payload.readUInt16BE() !== PING_REQUEST || !this.#mayAnswer()) return;
    const pong = Buffer.from(payload.subarray(0, PING_BYTES));
    pong.writeUInt16BE(PING_RESPONSE);
    this.#handlers.send(controlMessage(USER_CONTROL, pong));
  }

  /** An onStatus on the stream of the publish (RTMP 7.2.2). */
  status(level: 'status' | 'error', code: string, description: string): void {
    this.#say(this.#streamId, 'onStatus', 0, null, { level, code, description });
  }

  #connect({ transactionId, commandObject: said }: RtmpCommand): void {
    if (!isObject(said)) throw new RtmpProtocolError('connect without an object');
    this.#app = appOf(said['app']) || appOf(said['tcUrl']);
    const { send } = this.#handlers;
    send(controlMessage(WINDOW_ACKNOWLEDGEMENT_SIZE, uint32(WINDOW_BYTES)));
    send(controlMessage(SET_PEER_BANDWIDTH, Buffer.concat([uint32(WINDOW_BYTES), Buffer.from([LIMIT_TYPE])])));
    send(controlMessage(SET_CHUNK_SIZE, uint32(CHUNK_BYTES)));
    this.#chunkBytes = CHUNK_BYTES;
    const server = { fmsVer: 'FMS/3,0,1,123', capabilities: 31 };
    this.#say(0, '_result', transactionId, server, {
      level: 'status',
      code: 'NetConnection.Connect.Success',
      description: 'Connection succeeded.',
      objectEncoding: said['objectEncoding'] === 3 ? 3 : 0,
    });
  }

  #publish(command: RtmpCommand, streamId: number): void {
    const [name] = command.args;
    // How some encoders stop.
    if (name === false) {
      this.#unpublish();
      return;
    }
    if (typeof name !== 'string') throw new RtmpProtocolError('publish without a name');
    this.#streamId = streamId;
    this.#handlers.publish(publishAddress(this.#app, name));
  }

  #unpublish(): void {
    if (this.#handlers.unpublish()) this.status('status', UNPUBLISH_SUCCESS, 'Stopped publishing.');
  }

  #answer(command: RtmpCommand): void {
    const answers = answersTo(command);
    if (answers.length === 0 || !this.#mayAnswer()) return;
    for (const { streamId, values } of answers) this.#say(streamId, ...values);
  }

  #mayAnswer(): boolean {
    if (this.#handlers.isAccepted()) return true;
    this.#answered += 1;
    return this.#answered <= MAX_UNKNOWN_ANSWERS;
  }

  #say(streamId: number, ...values: AmfValue[]): void {
    this.#handlers.send(commandMessage(streamId, values, this.#chunkBytes));
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
