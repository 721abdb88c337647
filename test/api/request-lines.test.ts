import { afterAll, beforeAll, expect, it } from 'vitest';
import { ODD_REQUEST_LINES, rawRequest } from '../support/request-lines.js';
import { createApiBench, type ApiBench } from './support.js';

let bench: ApiBench;
beforeAll(async () => {
  bench = await createApiBench();
});
afterAll(() => bench.close());

it('no request line ends the API', async () => {
  const port = Number(new URL(bench.baseUrl).port);
  for (const line of ODD_REQUEST_LINES) {
    const answer = await rawRequest(port, line);
    expect([line, /^(HTTP\/1\.1 (4|20[04])|$)/.test(answer) ? 'answered' : answer]).toEqual([line, 'answered']);
  }
  expect((await bench.call('GET', '/v1/streams')).status).toBe(200);
});
