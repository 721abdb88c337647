import { afterEach, beforeAll, expect, it } from 'vitest';
import { until } from '../support/until.js';
import { makeClip, type Message } from './clip.js';
import { RawEncoder } from './raw-encoder.js';
import { decodeRelay, nextStart, startTestIngest, statusOf, type TestIngest } from './support.js';

const KEY = 'sk_odd_media';
const FPS = 30;
const CLIP_SECONDS = 2;
const FRAMES = FPS * CLIP_SECONDS;
const HOUR_MS = 3_600_000;
const WRAP_MS = 2 ** 32;

let clip: Message[];
let otherRate: Message[];
let oneKeyframe: Message[];
let burst: Message[];
let ingest: TestIngest;
afterEach(async () => ingest.close());

beforeAll(async () => {
  [clip, otherRate, oneKeyframe, burst] = await Promise.all([
    makeClip({ seconds: CLIP_SECONDS }),
    makeClip({ seconds: CLIP_SECONDS, sampleRate: 44_100 }),
    makeClip({ seconds: 70, fps: 10, gop: 10_000 }),
    makeClip({ seconds: 10 }),
  ]);
});

/** Publishes first `messages`, then, with a reader, `more`; returns what the reader decoded. */
async function relayed(messages: Message[], more: Message[]) {
  ingest = await startTestIngest({ [KEY]: 'str_1' });
  const encoder = await RawEncoder.open(ingest);
  encoder.publish(KEY);
  await encoder.hears('NetStream.Publish.Start');
  const send = (sent: Message[]): void => sent.forEach(({ type, timeMs, payload }) => encoder.message(type, timeMs, payload));
  send(messages);
  const { publishId } = await nextStart(ingest);
  const decoded = decodeRelay(ingest, publishId);
  await until(async () => (await (await ingest.get('/metrics')).text()).includes('relay_readers{process="ingest"} 1'), 'the reader');
  send(more);
  await until(async () => (await statusOf(ingest, publishId))?.bytesIn === encoder.socket.bytesWritten, 'every byte to be read');
  const status = await statusOf(ingest, publishId);
  encoder.command('deleteStream', 4, null, 1);
  await encoder.closed();
  return { ...(await decoded), status };
}

const shifted = (messages: Message[], byMs: number): Message[] =>
  messages.map((message) => ({ ...message, timeMs: (message.timeMs + byMs) % WRAP_MS }));

it.each<[string, () => [Message[], Message[]], number]>([
  ['a clock beyond 24 bits', () => [shifted(clip, 2 ** 24 - 500), []], FRAMES],
  ['a clock that wraps at 32 bits', () => [shifted(clip, WRAP_MS - 1000), []], FRAMES],
  [
    'a clock that jumps four hours forward, back to zero, and on',
    () => [clip, [...shifted(clip, 4 * HOUR_MS), ...clip, ...shifted(clip, HOUR_MS)]],
    4 * FRAMES,
  ],
  ['no keyframe for a minute', () => [oneKeyframe.slice(0, 400), oneKeyframe.slice(400)], 700],
  ['ten seconds at once', () => [burst, []], 10 * FPS],
])('%s: no picture is lost and no gap is made', async (_name, sent, frames) => {
  const { video, videoSteps, complaints } = await relayed(...sent());
  expect(complaints).toBe('');
  expect(video).toBe(frames);
  expect(Math.max(...videoSteps)).toBeLessThan(0.2);
  expect(Math.min(...videoSteps)).toBeGreaterThanOrEqual(0);
});

it('sound that goes on at another rate is announced again, and the picture loses nothing', async () => {
  const { video, status } = await relayed(clip, shifted(otherRate, CLIP_SECONDS * 1000));
  expect(status?.source.audio).toMatchObject({ sampleRate: 44_100 });
  expect(video).toBe(2 * FRAMES);
});
