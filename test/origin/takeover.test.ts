import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StartedEncode, StartEncode } from '../../domain/contracts/origin-control.js';
import type { Latency } from '../../domain/stream.js';
import { until } from '../support/until.js';
import { parseMedia, parseMultivariant } from './playlist-check.js';
import { AUDIO, encode, exited, TestOrigin, video } from './support.js';

let origin: TestOrigin;
beforeAll(async () => {
  origin = await TestOrigin.start();
});
afterAll(() => origin.close());

const renditions = [video(120), AUDIO];
const live = async (id: string) => parseMedia(await origin.text(`/${id}/${id}/120p/index.m3u8`));

/** One encoder from its start to its end, and until all it sent is listed. */
async function encoded(id: string, request: Pick<StartEncode, 'epoch' | 'fromSequence'>): Promise<void> {
  const body: StartEncode = { ...request, gopSeconds: 1, renditions };
  const { sockets } = (await origin.control<StartedEncode>('POST', `/broadcasts/${id}/encodes`, body)).body;
  await exited(encode({ sockets, renditions, seconds: 3, gopSeconds: 1 }));
  await until(
    async () => (await origin.status(id)).renditions.every(({ connected, segments }) => !connected && segments >= 2),
    'the encoder to be over',
  );
}

describe.each<Latency>(['low', 'standard'])('a broadcast of %s latency that comes from another host', (latency) => {
  const id = `moved-${latency}`;

  test('is numbered above all that the other host may have used', async () => {
    await origin.open(id, { playbackId: id, latency });
    await encoded(id, { epoch: 3, fromSequence: 90 });
    const playlist = await live(id);
    expect(playlist).toMatchObject({ mediaSequence: 90, discontinuitySequence: 90 });
    expect(playlist.segments.map(({ uri }) => uri).slice(0, 2)).toEqual(['90.m4s', '91.m4s']);
    expect(playlist.segments.every(({ discontinuity }) => !discontinuity)).toBe(true);
  });

  test('goes on with its own numbers when it is asked for the same again, also after a restart', async () => {
    const before = await live(id);
    await origin.stop();
    await origin.start();
    await encoded(id, { epoch: 4, fromSequence: 90 });
    const { segments, ...after } = await live(id);
    expect(after).toMatchObject({ mediaSequence: 90, discontinuitySequence: 90 });
    expect(segments.slice(0, before.segments.length)).toEqual(before.segments);
    expect(segments.map(({ uri }) => uri)).toEqual(segments.map((_segment, index) => `${90 + index}.m4s`));
  });

  test('that was away once more lists nothing from before, with greater numbers still', async () => {
    await encoded(id, { epoch: 7, fromSequence: 500 });
    const { mediaSequence, discontinuitySequence, segments } = await live(id);
    expect(mediaSequence).toBe(500);
    expect(discontinuitySequence + Number(segments[0]!.discontinuity)).toBe(500);
    expect(segments.map(({ uri }) => uri)).toEqual(segments.map((_segment, index) => `${500 + index}.m4s`));
  });

  test('has all of it on demand, under its own address too', async () => {
    await origin.control('POST', `/broadcasts/${id}/end`);
    const { segments } = parseMedia(await origin.text(`/${id}/${id}/120p/vod.m3u8`));
    expect(segments.filter(({ discontinuity }) => discontinuity)).toHaveLength(2);
    for (const { uri } of segments) await origin.bytes(`/${id}/${id}/120p/${uri}`);
    const { variants } = parseMultivariant(await origin.text(`/${id}/${id}/index.m3u8`));
    expect(variants.map(({ uri }) => uri)).toEqual(['120p/vod.m3u8']);
  });
});

test('parts of another host are never named again', async () => {
  await origin.open('parts', { playbackId: 'parts', latency: 'low' });
  await encoded('parts', { epoch: 2, fromSequence: 90 });
  const text = await origin.text('/parts/parts/120p/index.m3u8');
  const numbers = [...text.matchAll(/URI="p(\d+)\.m4s"/g)].map((match) => Number(match[1]));
  expect(numbers.length).toBeGreaterThan(0);
  const FIRST_OF_JUMP = 900_000_000;
  expect(Math.min(...numbers)).toBeGreaterThanOrEqual(FIRST_OF_JUMP);
});
