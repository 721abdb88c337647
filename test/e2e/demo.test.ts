import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiClient, StreamView } from '../support/api.js';
import { Stage } from '../support/stage.js';
import { until } from '../support/until.js';

let stage: Stage;
let api: ApiClient;
let stream: StreamView;

beforeAll(async () => {
  stage = await Stage.open({ launcherArguments: ['--demo'] });
  api = stage.api;
});
afterAll(() => stage?.close());

const encoder = async (): Promise<number | undefined> => (await stage.stack.run()).processes.demo;

describe('npm start -- --demo', () => {
  it('has a live picture at the address it gives, and its stream key is in no line it logs', async () => {
    const { data } = await until(async () => {
      const { body } = await api.call<{ data: StreamView[] }>('GET', '/v1/streams');
      return body.data.length > 0 ? body : null;
    }, 'its stream');
    stream = data[0]!;
    await stage.becomes(stream, 'live');
    await until(() => stage.stack.output().includes(`watch it at\n  ${stream.playback.player}`), 'its address');
    expect((await fetch(stream.playback.hls)).status).toBe(200);
    expect(stage.stack.output()).not.toMatch(/\bsk_[a-z0-9]+/);
  });

  it('goes on with a new stream key', async () => {
    const before = await encoder();
    await api.call('POST', `/v1/streams/${stream.id}/rotate-key`);
    await until(async () => ![undefined, before].includes(await encoder()), 'an encoder with the new key');
    await stage.becomes(stream, 'live');
    expect(stage.stack.output()).not.toMatch(/\bsk_[a-z0-9]+/);
  });

  it('goes on without a demo when its stream is deleted, and says so', async () => {
    const before = await stage.stack.run();
    expect((await api.call('DELETE', `/v1/streams/${stream.id}`)).status).toBe(202);
    await until(() => stage.stack.output().includes('The demo stream was ended or deleted'), 'a word about it');
    const { demo: _demo, ...others } = before.processes;
    await until(async () => (await encoder()) === undefined, 'its encoder to be gone');
    expect((await stage.stack.run()).processes).toEqual(others);
    expect((await api.create()).status).toBe('idle');
  });
});
