import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { PublishRefusal, Revocation } from '../../domain/contracts/publish-claims.js';
import { until } from '../support/until.js';
import { RawEncoder } from './raw-encoder.js';
import { decodeRelay, ffmpeg, nextStart, publish, startTestIngest, statusOf, type TestIngest } from './support.js';

const KEY = 'sk_secret_of_the_stream';
const STREAM = 'str_1';

let ingest: TestIngest;
const printed: string[] = [];

beforeEach(() => {
  printed.length = 0;
  vi.spyOn(console, 'log').mockImplementation((...words: unknown[]) => void printed.push(words.join(' ')));
});

afterEach(async () => {
  await ingest.close();
  vi.restoreAllMocks();
  // Whatever happened in the test: the key is in no line, and node-media-server printed nothing at all.
  expect(ingest.logged.join('')).not.toContain(KEY);
  expect(printed).toEqual([]);
});

const metric = async (line: string): Promise<string> => {
  const text = await (await ingest.get('/metrics')).text();
  return text.split('\n').find((candidate) => candidate.startsWith(line)) ?? '';
};

describe('a publisher is refused, with the reason shown by its encoder,', () => {
  it('when no stream has its key', async () => {
    ingest = await startTestIngest({ [KEY]: STREAM });
    const encoder = publish(ingest.rtmpUrl('sk_wrong'), { seconds: 20 });
    expect(await encoder.exited).not.toBe(0);
    expect(encoder.stderr()).toContain('No stream has this stream key.');
    expect(ingest.claims.claimed).toEqual([]);
    expect(await metric('holdfast_ingest_refusals_total{code="publish_unknown_key"')).toMatch(/ 1$/);
  });

  it.each<[PublishRefusal, string]>([
    ['stream_ended', 'The stream has ended'],
    ['stream_ending', 'The stream is ending'],
    ['stream_disabled', 'The stream is disabled'],
    ['publish_already', 'Another encoder is publishing'],
  ])('when the claim says %s', async (code, words) => {
    ingest = await startTestIngest({ [KEY]: STREAM });
    ingest.claims.refusal = code;
    const encoder = publish(ingest.rtmpUrl(KEY), { seconds: 20 });
    expect(await encoder.exited).not.toBe(0);
    expect(encoder.stderr()).toContain(words);
    expect(ingest.signals.started).toEqual([]);
  });

  it('when Postgres does not answer', async () => {
    ingest = await startTestIngest({ [KEY]: STREAM });
    ingest.claims.failure = new Error(`select … where key = '${KEY}' - connection refused`);
    const encoder = publish(ingest.rtmpUrl(KEY), { seconds: 20 });
    expect(await encoder.exited).not.toBe(0);
    expect(encoder.stderr()).toContain('cannot check the stream key now');
    expect(ingest.logged.join('')).toContain('connection refused');
  });

  it('when Postgres answers too late, and the late claim is given back', async () => {
    ingest = await startTestIngest({ [KEY]: STREAM }, { claimMs: 100 });
    let open = (): void => undefined;
    const { claims } = ingest;
    const claim = claims.claim.bind(claims);
    claims.claim = async (request) => {
      await new Promise<void>((resolve) => (open = resolve));
      return claim(request);
    };
    const encoder = publish(ingest.rtmpUrl(KEY), { seconds: 20 });
    expect(await encoder.exited).not.toBe(0);
    open();
    await until(() => claims.released.length === 1, 'the claim to be given back');
    expect(claims.held.size).toBe(0);
  });

  it.each<[Revocation, string]>([
    ['key_rotated', 'No stream has this stream key.'],
    ['stream_disabled', 'The stream is disabled'],
    ['stream_deleted', 'No stream has this stream key.'],
  ])('when its claim was taken away (%s) before it could begin', async (reason, words) => {
    ingest = await startTestIngest({ [KEY]: STREAM });
    const { claims } = ingest;
    const claim = claims.claim.bind(claims);
    claims.claim = async (request) => {
      claims.revoked.set(request.publishId, reason);
      return claim(request);
    };
    const encoder = await RawEncoder.open(ingest);
    encoder.publish(KEY);
    await encoder.hears(words);
    expect(encoder.heard).not.toContain('NetStream.Publish.Start');
    await encoder.closed();
    expect(claims.held.size).toBe(0);
  });

  it('when it publishes to another application', async () => {
    ingest = await startTestIngest({ [KEY]: STREAM });
    const encoder = publish(ingest.rtmpUrl(KEY).replace('/live/', '/app/'), { seconds: 20 });
    expect(await encoder.exited).not.toBe(0);
    expect(encoder.stderr()).toContain('Publish to the application');
  });
});

describe('an encoder', () => {
  it('that has sent nothing a workflow could know of is disconnected with the reason when its claim is taken away', async () => {
    const reasons: [Revocation, string][] = [
      ['key_rotated', 'the stream key was rotated'],
      ['stream_disabled', 'the stream is disabled'],
      ['stream_deleted', 'the stream was deleted'],
    ];
    ingest = await startTestIngest(Object.fromEntries(reasons.map(([reason]) => [`${KEY}_${reason}`, reason])));
    const encoders = await Promise.all(reasons.map(() => RawEncoder.open(ingest)));
    for (const [index, [reason]] of reasons.entries()) encoders[index]!.publish(`${KEY}_${reason}`);
    for (const encoder of encoders) {
      await encoder.hears('NetStream.Publish.Start');
      // The configuration of AAC: bytes that flow, but no media yet.
      encoder.message(8, 0, Buffer.from([0xaf, 0, 0x11, 0x90]));
    }
    for (const [reason] of reasons) ingest.claims.revoked.set(ingest.claims.held.get(reason)!, reason);
    for (const [index, [, words]] of reasons.entries()) await encoders[index]!.hears(`Holdfast ended this publish: ${words}.`);
    for (const encoder of encoders) await encoder.closed();
    expect(ingest.signals.started).toEqual([]);
    await until(() => ingest.claims.held.size === 0, 'the streams to be free');
  });

  it('is told that it publishes only after its key was accepted', async () => {
    ingest = await startTestIngest({ [KEY]: STREAM });
    let open = (): void => undefined;
    ingest.claims.gate = new Promise<void>((resolve) => (open = resolve));
    const encoder = await RawEncoder.open(ingest);
    encoder.publish(`${KEY}?token=ignored`);
    await encoder.hears('NetConnection.Connect.Success');
    await until(async () => (await metric('holdfast_ingest_connections')).endsWith(' 1'), 'the connection to be counted');
    expect(encoder.heard).not.toContain('NetStream.Publish.Start');
    open();
    await encoder.hears('NetStream.Publish.Start');
    encoder.socket.destroy();
  });

  it('cannot play', async () => {
    ingest = await startTestIngest({ [KEY]: STREAM });
    const live = publish(ingest.rtmpUrl(KEY), { seconds: 20 });
    await nextStart(ingest);
    const player = await RawEncoder.open(ingest);
    player.play(KEY);
    await player.hears('NetStream.Play.Failed');
    await player.closed();
    expect(player.heard).not.toContain('NetStream.Play.Start');
    expect(await ffmpeg(['-i', ingest.rtmpUrl(KEY), '-f', 'null', '-']).exited).not.toBe(0);
    live.child.kill('SIGKILL');
    await live.exited;
  });

  it('that comes second is refused, and the first loses no picture', async () => {
    ingest = await startTestIngest({ [KEY]: STREAM });
    const first = publish(ingest.rtmpUrl(KEY), { seconds: 4 });
    const { publishId } = await nextStart(ingest);
    const decoded = decodeRelay(ingest, publishId);
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const second = publish(ingest.rtmpUrl(KEY), { seconds: 20 });
      expect(await second.exited).not.toBe(0);
      expect(second.stderr()).toContain('Another encoder is publishing');
    }
    expect(await first.exited).toBe(0);
    expect(await decoded).toMatchObject({ video: 4 * 30, complaints: '' });
    await until(() => ingest.signals.stopped.length > 0, 'the end to be told');
    expect(ingest.claims.claimed).toHaveLength(1);
    expect(ingest.signals.started).toHaveLength(1);
    expect(ingest.signals.stopped).toMatchObject([{ publishId, reason: 'closed' }]);
  });

  it('that comes at the same moment as another is the only one accepted, or refused', async () => {
    ingest = await startTestIngest({ [KEY]: STREAM });
    let open = (): void => undefined;
    ingest.claims.gate = new Promise<void>((resolve) => (open = resolve));
    const encoders = [await RawEncoder.open(ingest), await RawEncoder.open(ingest), await RawEncoder.open(ingest)];
    for (const encoder of encoders) encoder.publish(KEY);
    for (const encoder of encoders) await encoder.hears('NetConnection.Connect.Success');
    open();
    await until(() => encoders.every(({ heard }) => heard.includes('NetStream.Publish.')), 'each to be answered');
    expect(encoders.filter(({ heard }) => heard.includes('Publish.Start'))).toHaveLength(1);
    expect(encoders.filter(({ heard }) => heard.includes('Publish.BadName'))).toHaveLength(2);
    expect(ingest.claims.claimed).toHaveLength(1);
    for (const { socket } of encoders) socket.destroy();
  });

  it('takes the place of a silent one at once', async () => {
    ingest = await startTestIngest({ [KEY]: STREAM }, { takeoverMs: 300, silentMs: 60_000 });
    const frozen = publish(ingest.rtmpUrl(KEY), { seconds: 30 });
    const first = await nextStart(ingest);
    frozen.child.kill('SIGSTOP');
    await until(async () => ((await statusOf(ingest, first.publishId))?.idleMs ?? 0) > 300, 'the first to be silent');
    const next = publish(ingest.rtmpUrl(KEY), { seconds: 2 });
    const second = await nextStart(ingest, 2);
    expect(second.publishSeq).toBeGreaterThan(first.publishSeq);
    expect(second.publishId).not.toBe(first.publishId);
    expect(ingest.signals.stopped[0]).toMatchObject({ publishId: first.publishId, reason: 'silent' });
    expect(await next.exited).toBe(0);
    frozen.child.kill('SIGKILL');
    await frozen.exited;
  });

  it('whose stream another host has taken is disconnected', async () => {
    ingest = await startTestIngest({ [KEY]: STREAM });
    const encoder = publish(ingest.rtmpUrl(KEY), { seconds: 60 });
    const { publishId } = await nextStart(ingest);
    ingest.claims.held.set(STREAM, 'pub_of_another_host');
    await encoder.exited;
    await until(() => ingest.signals.stopped.length > 0, 'the workflow to be told');
    expect(ingest.signals.stopped).toMatchObject([{ publishId, reason: 'disconnected' }]);
    expect(ingest.claims.held.get(STREAM)).toBe('pub_of_another_host');
  });
});
