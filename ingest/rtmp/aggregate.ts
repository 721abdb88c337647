/** One message of an aggregate, a view into it. */
export interface AggregatedMessage {
  type: number;
  timestampMs: number;
  payload: Buffer;
}

/** Type, length, time (24 bits and the upper 8), stream id: the header of an FLV tag. */
const HEADER_BYTES = 11;
/** The length of the message and its header, behind it. */
const BACK_POINTER_BYTES = 4;
const CLOCK_WRAP_MS = 2 ** 32;

/**
 * The messages of an aggregate message (RTMP 7.1.6), on the clock of the aggregate: the first is at its time. What is cut off
 * at its end is left out.
 *
 * @param timestampMs of the aggregate
 */
export function splitAggregate(aggregate: Buffer, timestampMs: number): AggregatedMessage[] {
  const messages: AggregatedMessage[] = [];
  let shiftMs: number | null = null;
  for (let at = 0; at + HEADER_BYTES <= aggregate.length;) {
    const body = at + HEADER_BYTES;
    const end = body + aggregate.readUIntBE(at + 1, 3);
    if (end > aggregate.length) break;
    const saidMs = aggregate.readUIntBE(at + 4, 3) + aggregate.readUInt8(at + 7) * 2 ** 24;
    shiftMs ??= timestampMs - saidMs;
    const time = (saidMs + shiftMs + CLOCK_WRAP_MS) % CLOCK_WRAP_MS;
    messages.push({ type: aggregate.readUInt8(at), timestampMs: time, payload: aggregate.subarray(body, end) });
    at = end + BACK_POINTER_BYTES;
  }
  return messages;
}
