import { afterEach, beforeAll, expect, it } from 'vitest';
import { until } from '../support/until.js';
import { makeClip, type Message } from './clip.js';
import { RawEncoder } from './raw-encoder.js';
import { nextStart, startTestIngest, type TestIngest } from './support.js';

const KEY = 'sk_hasty';
const VIDEO = 9;
const KIB = 1024;
/** One packet of video: frame type and codec, packet type, composition time. */
const VIDEO_HEADER_BYTES = 5;
const FILLER_NAL = 12;
/** Packet type of pictures, as opposed to configuration and end. */
const NALUS = 1;

let clip: Message[];
let ingest: TestIngest;
beforeAll(async () => {
  clip = await makeClip({ seconds: 2 });
});
afterEach(async () => ingest.close());

/** The clip, its first keyframe enlarged by a unit that decoders skip. */
function withLargeKeyframe(fillerBytes: number): Message[] {
  const filler = Buffer.alloc(4 + fillerBytes, 0xff);
  filler.writeUInt32BE(fillerBytes);
  filler[4] = FILLER_NAL;
  let enlarged = false;
  return clip.map((message) => {
    const isKeyframe = message.type === VIDEO && message.payload[0] === 0x17 && message.payload[1] === NALUS;
    if (!isKeyframe || enlarged) return message;
    enlarged = true;
    const head = message.payload.subarray(0, VIDEO_HEADER_BYTES);
    return { ...message, payload: Buffer.concat([head, filler, message.payload.subarray(VIDEO_HEADER_BYTES)]) };
  });
}

/** Connects, and sends the publish command and everything behind it before any answer. */
async function hasten(messages: Message[]): Promise<RawEncoder> {
  const encoder = await RawEncoder.open(ingest);
  encoder.setChunkSize(0xffffff);
  encoder.socket.cork();
  encoder.publish(KEY);
  for (const { type, timeMs, payload } of messages) encoder.message(type, timeMs, payload);
  encoder.socket.uncork();
  return encoder;
}

async function relayed(publishId: string): Promise<Buffer> {
  return Buffer.from(await (await ingest.get(`/relay/${publishId}.flv`)).arrayBuffer());
}

it.each([10, 70, 200, 3000])('a keyframe of %i KiB right behind the publish command is taken, and nothing is lost', async (kib) => {
  ingest = await startTestIngest({ [KEY]: 'str_1' });
  let open = (): void => undefined;
  ingest.claims.gate = new Promise<void>((resolve) => (open = resolve));
  const messages = withLargeKeyframe(kib * KIB);
  const encoder = await hasten(messages);
  await encoder.hears('NetConnection.Connect.Success');
  expect(encoder.heard).not.toContain('NetStream.Publish.Start');
  open();
  const { publishId } = await nextStart(ingest);
  const media = relayed(publishId);
  await until(async () => (await (await ingest.get('/metrics')).text()).includes('relay_readers{process="ingest"} 1'), 'the reader');
  encoder.socket.end();
  const bytes = await media;
  const pictures = messages.filter(({ type, payload }) => type === VIDEO && payload[1] === NALUS);
  expect(pictures.length).toBeGreaterThan(0);
  for (const { payload } of pictures) expect(bytes.includes(payload)).toBe(true);
});

it('what an encoder sends before it is accepted stays with it, but for a little', async () => {
  ingest = await startTestIngest({ [KEY]: 'str_1' }, { claimMs: 60_000 });
  let open = (): void => undefined;
  ingest.claims.gate = new Promise<void>((resolve) => (open = resolve));
  const flood = Array.from({ length: 64 }, () => ({ type: VIDEO, timeMs: 0, payload: Buffer.alloc(KIB * KIB) }));
  const encoder = await hasten(flood);
  await encoder.hears('NetConnection.Connect.Success');
  // The kernel takes some MiB on either side; the rest waits here, in the encoder.
  let left = Infinity;
  await until(() => {
    const settled = encoder.socket.writableLength === left;
    left = encoder.socket.writableLength;
    return settled;
  }, 'the kernel to be full');
  expect(left).toBeGreaterThan(32 * KIB * KIB);
  encoder.socket.destroy();
  open();
  await until(async () => (await (await ingest.get('/metrics')).text()).includes('ingest_connections{process="ingest"} 0'), 'its end');
});
