import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { explainListenError } from '../../../platform/ops/listen-error.js';

const taken = createServer();
let port: number;
beforeAll(async () => {
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  ({ port } = taken.address() as AddressInfo);
});
afterAll(() => new Promise((resolve) => taken.close(resolve)));

/** What the system says when one listens there. */
const failure = (onPort: number, host: string): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const server = createServer().once('error', resolve);
    server.listen(onPort, host, () => server.close(() => reject(new Error('it listens'))));
  });
const explained = (error: unknown, ofPort: number): unknown => explainListenError(error, { [ofPort]: 'HOLDFAST_X_PORT' }, 'HOLDFAST_BIND');

describe('a process that cannot listen', () => {
  it('names the setting of a port that is taken', async () => {
    const error = await failure(port, '127.0.0.1');
    expect(explained(error, port)).toMatchObject({ message: `Port ${port} is taken; set HOLDFAST_X_PORT to a free one.`, cause: error });
  });

  it('names the setting of an address this machine has not', async () => {
    const error = await failure(port, '192.0.2.1');
    expect(explained(error, port)).toMatchObject({ message: 'This machine has no address 192.0.2.1; set HOLDFAST_BIND to one it has.' });
    expect(explainListenError(error, { [port]: 'HOLDFAST_X_PORT' })).toBe(error);
  });

  it('names the setting of a port that needs rights', () => {
    const error = Object.assign(new Error('listen EACCES'), { code: 'EACCES', port: 80, address: '0.0.0.0' });
    expect(explained(error, 80)).toMatchObject({ message: expect.stringMatching(/Port 80 needs rights.*HOLDFAST_X_PORT/) as string });
  });

  it('leaves alone what is something else', async () => {
    const error = await failure(port, '127.0.0.1');
    expect(explained(error, port + 1)).toBe(error);
    const other = new Error('something else');
    expect(explained(other, port)).toBe(other);
  });
});
