import { afterEach, expect, it } from 'vitest';
import { readTag } from '../../ingest/rtmp/flv.js';
import { until } from '../support/until.js';
import { makeClip } from './clip.js';
import { RawEncoder } from './raw-encoder.js';
import { startTestIngest, type TestIngest } from './support.js';

let ingest: TestIngest;
afterEach(async () => ingest.close());

const KEY = 'sk_copied';
const VIDEO = 9;
const FLV_HEADER_BYTES = 13;

/** Decoding times of the pictures in an FLV. */
function pictureTimes(flv: Buffer): number[] {
  const times: number[] = [];
  for (let offset = FLV_HEADER_BYTES; offset + 11 <= flv.length;) {
    const bytes = flv.readUIntBE(offset + 1, 3) + 15;
    const { type, timeMs, payload } = readTag(flv.subarray(offset, offset + bytes));
    if (type === VIDEO && payload[1] === 1) times.push(timeMs);
    offset += bytes;
  }
  return times;
}

it('a reader that copies gets everything up to the keyframe that does not come; others get the rest', async () => {
  ingest = await startTestIngest({ [KEY]: 'str_copied' });
  // Keyframes each second, and none in the fourth.
  const messages = (await makeClip({ seconds: 4, gop: 30 })).filter(({ type }) => type === VIDEO);
  const demoted = messages.map((message) => {
    if (message.timeMs < 2900 || message.payload[0] !== 0x17 || message.payload[1] !== 1) return message;
    return { ...message, payload: Buffer.concat([Buffer.from([0x27]), message.payload.subarray(1)]) };
  });
  const encoder = await RawEncoder.open(ingest);
  encoder.publish(KEY);
  await encoder.hears('NetStream.Publish.Start');
  const early = demoted.filter(({ timeMs }) => timeMs < 2500);
  for (const { type, timeMs, payload } of early) encoder.message(type, timeMs, payload);
  const publishId = await until(() => ingest.signals.started[0]?.publishId, 'the media to be described');
  const gop = async () => ((await (await ingest.get(`/publishers/${publishId}`)).json()) as { gop: Record<string, unknown> }).gop;
  await until(async () => (await gop()).frames === 30, 'the first GOP to be measured');
  expect(await gop()).toMatchObject({ seconds: 1, obstacle: null });
  const copying = await ingest.get(`/relay/${publishId}.flv?start=cache&reader=copy&copies=1`);
  const decoding = await ingest.get(`/relay/${publishId}.flv?start=cache&reader=decode`);
  for (const { type, timeMs, payload } of demoted.slice(early.length)) encoder.message(type, timeMs, payload);
  expect(pictureTimes(Buffer.from(await copying.arrayBuffer()))).toHaveLength(90);
  expect(await gop()).toMatchObject({ obstacle: 'irregular_gop' });
  const late = await ingest.get(`/relay/${publishId}.flv?start=cache&reader=late&copies=1`);
  await late.arrayBuffer();
  encoder.socket.destroy();
  expect(pictureTimes(Buffer.from(await decoding.arrayBuffer()))).toHaveLength(120);
});
