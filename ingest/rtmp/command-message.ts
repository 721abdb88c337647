import { readAmf0, writeAmf0 } from './amf0.js';
import { AmfBytes, AmfError, type AmfValue } from './amf-bytes.js';

/** A command of the peer (RTMP 7.1.1). */
export interface RtmpCommand {
  name: string;
  /** Above 0 where an answer is awaited. */
  transactionId: number;
  /** What `connect` says; null or undefined elsewhere. */
  commandObject: AmfValue;
  args: AmfValue[];
}

/** Message types (RTMP 7.1). */
export const COMMAND_AMF0 = 20;
const COMMAND_AMF3 = 17;
/** What AMF3 messages begin with: AMF0 follows, with AMF3 values in it. */
const AMF3_SELECTOR = 0;

const COMMAND_CHUNK_STREAM = 3;
const CONTROL_CHUNK_STREAM = 2;

/**
 * Reads a command message. What is unreadable behind its name ends the command there: it may be no concern of ours.
 *
 * @throws AmfError without a readable name
 */
export function readCommand(type: number, payload: Buffer): RtmpCommand {
  const bytes = new AmfBytes(type === COMMAND_AMF3 ? withoutSelector(payload) : payload);
  const name = readAmf0(bytes);
  if (typeof name !== 'string') throw new AmfError('a command without a name');
  const [transactionId, commandObject, ...args] = readRest(bytes);
  return { name, transactionId: typeof transactionId === 'number' ? transactionId : 0, commandObject, args };
}

/** The AMF0 in an AMF3 message. Some encoders leave the first byte out. */
export const withoutSelector = (payload: Buffer): Buffer => (payload[0] === AMF3_SELECTOR ? payload.subarray(1) : payload);

function readRest(bytes: AmfBytes): AmfValue[] {
  const values: AmfValue[] = [];
  try {
    while (bytes.left > 0) values.push(readAmf0(bytes));
  } catch (error) {
    if (!(error instanceof AmfError)) throw error;
  }
  return values;
}

/** A command message to the peer, in chunks of this size. */
export const commandMessage = (streamId: number, values: AmfValue[], chunkBytes: number): Buffer =>
  chunks(COMMAND_CHUNK_STREAM, COMMAND_AMF0, streamId, writeAmf0(values), chunkBytes);

/** A control message (RTMP 5.4, 7.1.7): all of them fit into one chunk. */
export const controlMessage = (type: number, payload: Buffer): Buffer => chunks(CONTROL_CHUNK_STREAM, type, 0, payload, payload.length);

function chunks(chunkStream: number, type: number, streamId: number, payload: Buffer, chunkBytes: number): Buffer {
  const header = Buffer.alloc(12);
  header[0] = chunkStream;
  header.writeUIntBE(payload.length, 4, 3);
  header[7] = type;
  header.writeUInt32LE(streamId, 8);
  const parts: Buffer[] = [header, payload.subarray(0, chunkBytes)];
  for (let at = chunkBytes; at < payload.length; at += chunkBytes) {
    parts.push(Buffer.from([0xc0 | chunkStream]), payload.subarray(at, at + chunkBytes));
  }
  return Buffer.concat(parts);
}
