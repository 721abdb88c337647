import { afterEach, beforeAll, expect, it } from 'vitest';
import { until } from '../support/until.js';
import { makeClip, type Message } from './clip.js';
import { RawEncoder } from './raw-encoder.js';
import { decodeRelay, nextStart, startTestIngest, statusOf, type TestIngest } from './support.js';

const KEY = 'sk_changing';
const FRAMES = 60;
const SECONDS = FRAMES / 30;

const clips: Record<string, Message[]> = {};
let ingest: TestIngest;
afterEach(async () => ingest.close());

beforeAll(async () => {
  for (const size of ['320x180', '160x90']) clips[size] = await makeClip({ size, seconds: SECONDS });
});

function send(encoder: RawEncoder, clip: string, shiftMs: number): void {
  for (const { type, timeMs, payload } of clips[clip] ?? []) encoder.message(type, timeMs + shiftMs, payload);
}

it.each([
  ['a smaller picture', '160x90', SECONDS * 1000],
  ['a clock that jumps by an hour', '320x180', 3_600_000],
  ['a clock that starts again at zero', '320x180', 0],
])('%s in mid-stream reaches the relay without a lost picture or a gap', async (_name, clip, shiftMs) => {
  ingest = await startTestIngest({ [KEY]: 'str_1' });
  const encoder = await RawEncoder.open(ingest);
  encoder.publish(KEY);
  await encoder.hears('NetStream.Publish.Start');
  send(encoder, '320x180', 0);
  const { publishId, source } = await nextStart(ingest);
  // Nothing was announced: the rate is measured, the layout is the media's own.
  expect(source).toMatchObject({ video: { codec: 'h264', width: 320, height: 180, frameRate: 30 }, audio: { codec: 'aac' } });
  const decoded = decodeRelay(ingest, publishId);
  send(encoder, clip, shiftMs);
  const [width = 0, height = 0] = clip.split('x').map(Number);
  await until(async () => (await statusOf(ingest, publishId))?.source.video?.width === width, 'the status to follow');
  expect((await statusOf(ingest, publishId))?.source.video).toMatchObject({ width, height, frameRate: 30 });
  await until(async () => (await (await ingest.get('/metrics')).text()).includes('relay_readers{process="ingest"} 1'), 'the reader');
  encoder.command('deleteStream', 4, null, 1);
  const { video, videoSteps } = await decoded;
  expect(video).toBe(2 * FRAMES);
  expect(Math.max(...videoSteps)).toBeLessThan(0.2);
  await encoder.closed();
});
