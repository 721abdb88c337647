import { afterAll, beforeAll, expect, it } from 'vitest';
import { startDemo, type Demo } from '../../tools/launcher/demo.js';
import type { LogOutput } from '../../tools/launcher/output/log-output.js';
import { startStack, type Stack } from '../../tools/launcher/stack/stack.js';
import { ApiClient, type StreamView } from '../support/api.js';
import { ffmpegPath } from '../support/toolchain.js';
import { until } from '../support/until.js';

let stack: Stack;
let demo: Demo | undefined;
const lines: string[] = [];

beforeAll(async () => {
  stack = await startStack();
});
afterAll(async () => {
  await demo?.stop();
  await stack?.stop();
});

it('the demo has a live picture at the address it gives, and its stream key is in no line it logs', async () => {
  const run = await stack.run();
  const output: LogOutput = {
    say: (_level, text) => void lines.push(text),
    line: (_process, text) => void lines.push(text),
    quiet: () => undefined,
  };
  demo = await startDemo({ run, apiUrl: run.api, ffmpeg: ffmpegPath(), dataDir: stack.dataDir, output });
  const api = new ApiClient(run);
  const { data } = (await api.call<{ data: StreamView[] }>('GET', '/v1/streams')).body;
  const [stream] = data;
  await until(async () => (await api.stream(stream!.id)).status === 'live', 'the demo to be live');
  expect(demo.playerUrl).toBe(stream!.playback.player);
  expect((await fetch(stream!.playback.hls)).status).toBe(200);
  expect(lines.join('\n')).not.toMatch(/\bsk_[a-z0-9]+/);
});
