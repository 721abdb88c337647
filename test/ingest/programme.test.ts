import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../support/until.js';
import { clientOf, lookAt, ProgrammeReader, programmeUrl, slateFor, stepsOf } from './programme-reader.js';
import { ffmpeg, nextStart, publish, type Run, type Source, startTestIngest, type TestIngest } from './support.js';

const KEY = 'sk_programme';
/** Two pictures at 30 a second, and a little for the grid of whole milliseconds. */
const TWO_PICTURES_MS = 68;
const TWO_SLOW_PICTURES_MS = 81;
const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '30'];
const BFRAMES = [...X264, '-bf', '3', '-b_strategy', '0'];
/** B-frames: the slate waits for the last of them to be shown. */
const SHOWN_LATER_MS = 100;
const HEVC = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error:keyint=30:bframes=0'];

/** Longer than any of these tests: an encoder that ends by itself may be gone before a slow machine has looked. */
const UNTIL_STOPPED = 600;

const NO_READERS = 'programme_readers{process="ingest"} 0';

const ingests: TestIngest[] = [];
afterEach(async () => {
  await Promise.all(ingests.splice(0).map((ingest) => ingest.close()));
});

async function start(limits: Parameters<typeof startTestIngest>[1] = {}, key = KEY): Promise<TestIngest> {
  const ingest = await startTestIngest({ [key]: 'str_1' }, limits);
  ingests.push(ingest);
  return ingest;
}

/** The encoder ends its stream and leaves, as a streamer ends it. */
async function stopped({ child, exited }: Run): Promise<void> {
  child.kill('SIGINT');
  await exited;
}

const logOf = (ingest: TestIngest): string => ingest.logged.join('');
const metricsOf = async (ingest: TestIngest): Promise<string> => (await ingest.get('/metrics')).text();

describe('a programme goes on over a cut', () => {
  it.each<[string, Source, Source, number]>([
    ['the same encoder', {}, {}, TWO_PICTURES_MS],
    ['another size', {}, { size: '426x240' }, TWO_PICTURES_MS],
    ['B-frames', { video: BFRAMES }, { video: BFRAMES }, SHOWN_LATER_MS],
    ['HEVC', { video: HEVC }, { video: HEVC, size: '426x240' }, TWO_PICTURES_MS],
    ['no sound', { audio: null }, { audio: null }, TWO_PICTURES_MS],
    ['44.1 kHz mono, 25 a second', { sampleRate: 44100, channels: 1, fps: '25' }, { fps: '25' }, TWO_SLOW_PICTURES_MS],
  ])('%s: slate in between, no jump, one connection at the platform', async (_name, before, after, stepMs) => {
    const ingest = await start();
    const platform = await start({}, 'platform');
    const first = publish(ingest.rtmpUrl(KEY), { seconds: UNTIL_STOPPED, ...before });
    const slate = await slateFor(ingest, (await nextStart(ingest)).source);
    expect(slate).not.toBeNull();
    const reader = await ProgrammeReader.open(ingest, slate);
    const output = ['-map', '0', '-c', 'copy', '-f', 'flv', platform.rtmpUrl('platform')];
    const copy = ffmpeg(['-i', programmeUrl(ingest, 'str_1', slate), ...output]);
    const { publishId } = await nextStart(platform);
    const received = await ProgrammeReader.open(platform, null);
    await received.flows(500);
    await stopped(first);
    await reader.spliced(2);
    await reader.flows(1000);
    const second = publish(ingest.rtmpUrl(KEY), { seconds: UNTIL_STOPPED, ...after });
    await reader.spliced(3);
    await reader.flows(1000);
    const late = await ProgrammeReader.open(ingest, slate);
    await late.flows(500);
    await Promise.all([late.close(), reader.close()]);
    await until(() => received.splices.length >= 3, 'the platform to see both splices');
    await received.flows(1000);
    copy.child.kill('SIGINT');
    await copy.exited;
    expect(copy.stderr()).not.toMatch(/non.?monoton|invalid|error/i);
    await received.close();
    second.child.kill('SIGKILL');
    await second.exited;

    for (const view of [reader, received]) {
      const video = stepsOf(view.frames('video'));
      expect(video.smallest).toBeGreaterThan(0);
      expect(video.largest).toBeLessThanOrEqual(stepMs);
      if (before.audio !== null) {
        const audio = stepsOf(view.frames('audio'));
        expect(audio.smallest).toBeGreaterThanOrEqual(0);
        expect(audio.largest).toBeLessThanOrEqual(stepMs);
      }
      expect(await lookAt(view.file)).toMatch(/^E+S{25,}E{25,}$/);
      // Behind each sequence header comes a keyframe, never a picture that needs others.
      const pictures = view.tags.filter(({ track }) => track === 'video');
      const behindHeaders = pictures.filter((_picture, index) => pictures[index - 1]?.kind === 'config');
      expect(behindHeaders.map(({ kind }) => kind)).toEqual(Array(view.splices.length).fill('keyframe'));
    }
    const bytesOf = (view: ProgrammeReader): string[] => view.frames().map(({ bytes }) => bytes.toString('base64'));
    const seen = bytesOf(reader);
    const seenLate = bytesOf(late);
    const from = seen.indexOf(seenLate[0] ?? '');
    const common = Math.min(seen.length - from, seenLate.length);
    expect(common).toBeGreaterThan(10);
    expect(seenLate.slice(0, common)).toEqual(seen.slice(from, from + common));
    expect(platform.claims.claimed.map((claim) => claim.publishId)).toEqual([publishId]);
  });
});

describe('a programme', () => {
  it('without slate holds in silence and goes on where it stopped', async () => {
    const ingest = await start();
    const first = publish(ingest.rtmpUrl(KEY), { seconds: UNTIL_STOPPED });
    await nextStart(ingest);
    const reader = await ProgrammeReader.open(ingest, null);
    await reader.flows(1000);
    await stopped(first);
    await until(() => ingest.signals.stopped.length === 1, 'the publisher to be gone');
    const held = reader.tags.length;
    expect(reader.ended).toBe(false);
    const second = publish(ingest.rtmpUrl(KEY), { seconds: 2 });
    // Nothing at all until the encoder is back, and its first media is its keyframe.
    await nextStart(ingest, 2);
    await reader.spliced(2);
    expect(reader.tags[held]).toMatchObject({ kind: 'config' });
    await second.exited;
    await reader.flows(500);
    await reader.close();
    expect(await lookAt(reader.file)).toMatch(/^E{30,}$/);
    for (const track of ['video', 'audio'] as const) {
      const { smallest, largest } = stepsOf(reader.frames(track));
      expect(smallest).toBeGreaterThanOrEqual(0);
      expect(largest).toBeLessThanOrEqual(TWO_PICTURES_MS);
    }
  });

  it('that is read before anyone publishes begins with the slate, at once and in real time', async () => {
    const ingest = await start();
    const slate = await slateFor(ingest, {
      video: { codec: 'h264', width: 320, height: 180, frameRate: 30 },
      audio: { codec: 'aac', sampleRate: 48000, channels: 2 },
    });
    const opened = performance.now();
    const reader = await ProgrammeReader.open(ingest, slate);
    // More than one round of the slate's four seconds: its seam is there.
    await reader.flows(4500);
    const newestMs = reader.frames('video').at(-1)?.timeMs ?? 0;
    expect(newestMs).toBeLessThanOrEqual(performance.now() - opened + TWO_PICTURES_MS);
    const encoder = publish(ingest.rtmpUrl(KEY), { seconds: UNTIL_STOPPED });
    await reader.spliced(2);
    await reader.flows(1000);
    await reader.close();
    await stopped(encoder);
    expect(await lookAt(reader.file)).toMatch(/^S{130,}E{25,}$/);
    for (const track of ['video', 'audio'] as const) {
      const { smallest, largest } = stepsOf(reader.frames(track));
      expect(smallest).toBeGreaterThan(0);
      expect(largest).toBeLessThanOrEqual(TWO_PICTURES_MS);
    }
    await until(async () => (await metricsOf(ingest)).includes(NO_READERS), 'the programme to be freed');
  });

  it('shows the slate when the publisher falls silent, for the silence too, and then its successor', async () => {
    const ingest = await start({ silentMs: 1500, takeoverMs: 1000 });
    const frozen = publish(ingest.rtmpUrl(KEY), { seconds: 60 });
    const slate = await slateFor(ingest, (await nextStart(ingest)).source);
    const reader = await ProgrammeReader.open(ingest, slate);
    await reader.flows(1000);
    frozen.child.kill('SIGSTOP');
    await reader.spliced(2);
    expect(ingest.signals.stopped).toMatchObject([{ reason: 'silent' }]);
    // What was due during the silence comes at once.
    await reader.flows(1000);
    const next = publish(ingest.rtmpUrl(KEY), { seconds: 60 });
    await reader.spliced(3);
    await reader.flows(1000);
    // Taken over before it counts as silent: the programme changes encoders all the same.
    next.child.kill('SIGSTOP');
    const { publishId } = await nextStart(ingest, 2);
    await until(async () => {
      const { idleMs } = (await (await ingest.get(`/publishers/${publishId}`)).json()) as { idleMs: number };
      return idleMs > 1000;
    }, 'the encoder to be silent for long enough');
    const last = publish(ingest.rtmpUrl(KEY), { seconds: 60 });
    await nextStart(ingest, 3);
    await reader.spliced(5);
    await reader.flows(1000);
    await reader.close();
    for (const { child } of [frozen, next, last]) child.kill('SIGKILL');
    expect(await lookAt(reader.file)).toMatch(/^E+S+E+S+E+$/);
    for (const track of ['video', 'audio'] as const) {
      const { smallest, largest } = stepsOf(reader.frames(track));
      expect(smallest).toBeGreaterThanOrEqual(0);
      expect(largest).toBeLessThanOrEqual(TWO_PICTURES_MS);
    }
  });

  it('of sound alone goes on with silence', async () => {
    const ingest = await start();
    const first = publish(ingest.rtmpUrl(KEY), { seconds: UNTIL_STOPPED, video: null });
    const slate = await slateFor(ingest, (await nextStart(ingest)).source);
    expect(slate).toBe('aac-48000-2');
    const reader = await ProgrammeReader.open(ingest, slate);
    const headers = (): number => reader.tags.filter(({ kind }) => kind === 'config').length;
    await reader.flows(500, 'audio');
    await stopped(first);
    await until(() => headers() === 2, 'the silence');
    await reader.flows(1000, 'audio');
    const second = publish(ingest.rtmpUrl(KEY), { seconds: UNTIL_STOPPED, video: null });
    await until(() => headers() === 3, 'the encoder to be back');
    await reader.flows(1000, 'audio');
    await reader.close();
    await stopped(second);
    const { smallest, largest } = stepsOf(reader.frames());
    expect(smallest).toBeGreaterThan(0);
    expect(largest).toBeLessThanOrEqual(TWO_PICTURES_MS);
  });

  it.each<[string, Source, Source, string]>([
    ['H.264 becomes HEVC', {}, { video: HEVC }, '"from":"h264+aac","to":"hevc+aac"'],
    ['the sound is missing', {}, { audio: null }, '"from":"h264+aac","to":"h264"'],
  ])('ends when %s, and says why', async (_name, before, after, reason) => {
    const ingest = await start();
    const first = publish(ingest.rtmpUrl(KEY), { seconds: UNTIL_STOPPED, ...before });
    const slate = await slateFor(ingest, (await nextStart(ingest)).source);
    const reader = await ProgrammeReader.open(ingest, slate);
    await reader.spliced(1);
    await stopped(first);
    await reader.spliced(2);
    const second = publish(ingest.rtmpUrl(KEY), { seconds: UNTIL_STOPPED, ...after });
    await until(() => reader.ended, 'the programme to end');
    expect(logOf(ingest)).toContain('programme ended');
    expect(logOf(ingest)).toContain(reason);
    // The slate of before does not fit any more; the one of now does.
    const old = await fetch(programmeUrl(ingest, 'str_1', slate));
    expect(old.status).toBe(400);
    const again = await ProgrammeReader.open(ingest, await slateFor(ingest, (await nextStart(ingest, 2)).source));
    await again.flows(500);
    expect(again.tags[0]?.codec).toBe(after.video ? 'hevc' : 'h264');
    await again.close();
    await stopped(second);
  });

  it('ends for one reader by its name, whose ffmpeg leaves the platform politely; others go on', async () => {
    const ingest = await start();
    const platform = await start({}, 'platform');
    const encoder = publish(ingest.rtmpUrl(KEY), { seconds: UNTIL_STOPPED });
    await nextStart(ingest);
    const other = await ProgrammeReader.open(ingest, null);
    const url = clientOf(ingest).programmeUrl('str_1', null, 'dst_1');
    const copy = ffmpeg(['-i', url, '-map', '0', '-c', 'copy', '-f', 'flv', platform.rtmpUrl('platform')]);
    await nextStart(platform);
    await stopped(encoder);
    await until(() => ingest.signals.stopped.length === 1, 'the programme to hold');
    expect(await clientOf(ingest).endReader('dst_1')).toEqual({ ended: true });
    expect(await copy.exited).toBe(0);
    expect(await clientOf(ingest).endReader('dst_1')).toEqual({ ended: false });
    await until(() => logOf(platform).includes('"reason":"closed"'), 'the platform to see it leave');
    expect(other.ended).toBe(false);
    const second = publish(ingest.rtmpUrl(KEY), { seconds: UNTIL_STOPPED });
    await other.spliced(2);
    await other.close();
    await stopped(second);
  });

  it('drops a reader that does not read, and others go on', async () => {
    const ingest = await start({ readerBytes: 100_000 });
    const rate = ['-b:v', '20M', '-minrate', '20M', '-maxrate', '20M', '-bufsize', '2M', '-nal-hrd', 'cbr'];
    const encoder = publish(ingest.rtmpUrl(KEY), { seconds: 60, video: [...X264, ...rate] });
    await nextStart(ingest);
    const stuck = connect(ingest.controlPort, '127.0.0.1');
    await once(stuck, 'connect');
    stuck.pause();
    stuck.write(`GET ${ingest.access.sign('/programme/str_1.flv?slate=none')} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    await until(() => logOf(ingest).includes('reader dropped'), 'the reader to be dropped');
    await until(async () => (await metricsOf(ingest)).includes(NO_READERS), 'the programme to be freed');
    expect(ingest.signals.stopped).toEqual([]);
    stuck.destroy();
    encoder.child.kill('SIGKILL');
    await encoder.exited;
  });

  it.each<[string, number, string]>([
    ['/programme/str_1.flv', 400, 'invalid_request'],
    ['/programme/str_1.flv?slate=', 400, 'invalid_request'],
    ['/programme/str_1.flv?slate=..%2Fsecret', 400, 'invalid_request'],
    ['/programme/str_1.flv?slate=../secret', 400, 'invalid_request'],
    ['/programme/str_1.flv?slate=h264-320x180-30', 404, 'not_found'],
    ['/programme/str_1.flv?slate=none&reader=a.b', 400, 'invalid_request'],
    ['/readers/dst_1/end', 405, 'method_not_allowed'],
    ['/readers/dst_1', 404, 'not_found'],
    ['/programme/str_1?slate=none', 404, 'not_found'],
    ['/programme/a/b.flv?slate=none', 404, 'not_found'],
  ])('answers %s with %i', async (path, status, code) => {
    const ingest = await start();
    const response = await ingest.get(path);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ code });
  });

  it('ends with the ingest', async () => {
    const ingest = await start();
    const reader = await ProgrammeReader.open(ingest, null);
    await ingests.pop()?.close();
    await until(() => reader.ended, 'the programme to end');
    expect(ingest.logged.join('')).not.toContain('"level":50');
  });
});
