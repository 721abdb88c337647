import { afterEach, expect, it } from 'vitest';
import { ODD_REQUEST_LINES, rawRequest } from '../support/request-lines.js';
import { TestOrigin } from './support.js';

let origin: TestOrigin;
afterEach(() => origin.close());

it.each([false, true])('no request line ends the origin, on whatever port it comes (viewers on their own: %s)', async (viewerProcess) => {
  origin = await TestOrigin.start({ viewerProcess });
  const { controlPort, playbackPort } = origin.server;
  const { authorization } = origin.access;
  for (const line of ODD_REQUEST_LINES) {
    for (const port of [controlPort, playbackPort]) {
      const answer = await rawRequest(port, line, { authorization });
      expect([line, /^(HTTP\/1\.1 (4|204|200)|$)/.test(answer) ? 'answered' : answer]).toEqual([line, 'answered']);
    }
  }
  expect((await fetch(`${origin.controlUrl}/healthz`)).status).toBe(200);
  expect((await fetch(`${origin.playback}/play/index.m3u8`)).status).toBe(404);
});

it('its control address is for processes of its host alone', async () => {
  origin = await TestOrigin.start();
  const end = `${origin.controlUrl}/broadcasts/b/end`;
  await origin.open('b');
  // What any page of a browser may send to any address.
  const answer = await fetch(end, { method: 'POST', headers: { origin: 'https://page.test', 'content-type': 'text/plain' } });
  expect(answer.status).toBe(401);
  expect(await answer.json()).toMatchObject({ code: 'unauthenticated' });
  expect((await origin.status('b')).state).not.toBe('ended');
  const rebound = await rawRequest(origin.server.controlPort, 'GET /broadcasts HTTP/1.1', {
    authorization: origin.access.authorization,
    host: 'rebound.test',
  });
  expect(rebound).toMatch(/^HTTP\/1\.1 403 /);
});
