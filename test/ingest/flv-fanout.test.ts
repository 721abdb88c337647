import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FLV_VIDEO, flvTag } from '../../ingest/rtmp/flv.js';
import { FlvFanout } from '../../ingest/relay/flv-fanout.js';
import { createLogger } from '../../platform/log/logger.js';
import { until } from '../support/until.js';

const LIMITS = { cacheBytes: 1_000_000, cacheMs: 0, readerBytes: 1_000_000 };
const NEVER_MS = 600_000;
const HEADER_BYTES = 13;

let server: Server;
let fanout: FlvFanout;
beforeEach(async () => {
  server = createServer((request, response) => fanout.attach(response, 'next', request.url!.slice(1)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => {
  fanout.end();
  server.closeAllConnections();
  server.close();
});

/** One reader, and the bytes it has. */
async function read(name: string): Promise<{ bytes: number; ended: boolean }> {
  const seen = { bytes: 0, ended: false };
  const response = await new Promise<IncomingMessage>((resolve) =>
    get(`http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}`, resolve),
  );
  response.on('data', (chunk: Buffer) => (seen.bytes += chunk.length)).on('end', () => (seen.ended = true));
  await until(() => seen.bytes === HEADER_BYTES, 'the header');
  return seen;
}
const open = (batchMs?: number): void => {
  fanout = new FlvFanout({ limits: LIMITS, log: createLogger('test', 'fatal'), batchMs });
  fanout.announce({ audio: false, video: true });
};
const tag = (timeMs: number): Buffer => flvTag(FLV_VIDEO, timeMs, Buffer.alloc(100));
const TAG_BYTES = tag(0).length;

describe('a fanout', () => {
  it('hands out each tag at once', async () => {
    open();
    const reader = await read('one');
    fanout.write(tag(0), 0, true);
    await until(() => reader.bytes === HEADER_BYTES + TAG_BYTES, 'the tag');
  });

  it('that batches hands them out together, and what waits goes out before the end', async () => {
    open(NEVER_MS);
    const [one, two] = [await read('one'), await read('two')];
    fanout.write(tag(0), 0, true);
    fanout.write(tag(40), 40, false);
    // Readers that come now are answered, so what was written before would have arrived.
    await read('three');
    expect([one.bytes, two.bytes]).toEqual([HEADER_BYTES, HEADER_BYTES]);
    expect(fanout.endReader('one')).toBe(true);
    await until(() => one.ended, 'the end of one');
    expect(one.bytes).toBe(HEADER_BYTES + 2 * TAG_BYTES);
    fanout.end();
    await until(() => two.ended, 'the end of two');
    expect(two.bytes).toBe(HEADER_BYTES + 2 * TAG_BYTES);
  });

  it('that batches hands them out after the time it has for a batch', async () => {
    open(20);
    const reader = await read('one');
    fanout.write(tag(0), 0, true);
    await until(() => reader.bytes === HEADER_BYTES + TAG_BYTES, 'the first batch');
    fanout.write(tag(40), 40, false);
    await until(() => reader.bytes === HEADER_BYTES + 2 * TAG_BYTES, 'the second');
  });
});
