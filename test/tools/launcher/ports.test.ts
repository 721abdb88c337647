import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { readEnvironment } from '../../../platform/config/env.js';
import { neededPorts } from '../../../tools/launcher/ports/needed-ports.js';
import { checkPortsFree, freePort } from '../../../tools/launcher/ports/ports.js';

const servers: Server[] = [];
afterEach(() => void servers.splice(0).forEach((server) => server.close()));

async function takePort(): Promise<number> {
  const port = await freePort();
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return port;
}

const needed = (variable: string, port: number) => ({ variable, host: '127.0.0.1', port, purpose: 'API' });

describe('the check of ports before anything starts', () => {
  it('names each taken port, its variable and who holds it', async () => {
    const [one, other, free] = [await takePort(), await takePort(), await freePort()];
    const check = checkPortsFree([
      needed('HOLDFAST_API_PORT', one),
      needed('HOLDFAST_RTMP_PORT', other),
      needed('HOLDFAST_PLAYBACK_PORT', free),
    ]);
    const message = await check.then(
      () => '',
      (error: Error) => error.message,
    );
    expect(message).toContain(`Port ${one} (API) is taken`);
    expect(message).toContain('set HOLDFAST_API_PORT to a free port');
    expect(message).toContain(`Port ${other}`);
    expect(message).not.toContain('HOLDFAST_PLAYBACK_PORT');
    if (process.platform === 'linux') expect(message).toContain(`(pid ${process.pid})`);
  });

  it('passes when all are free', async () => {
    await expect(checkPortsFree([needed('HOLDFAST_API_PORT', await freePort())])).resolves.toBeUndefined();
  });

  it('refuses two settings with one port', async () => {
    const port = await freePort();
    const check = checkPortsFree([needed('HOLDFAST_API_PORT', port), needed('HOLDFAST_RTMP_PORT', port)]);
    await expect(check).rejects.toThrow('HOLDFAST_RTMP_PORT and HOLDFAST_API_PORT are both');
  });

  it('says what to do about an address this machine does not have', async () => {
    // RFC 5737: 192.0.2.0/24 is for documentation and on no machine.
    const check = checkPortsFree([{ ...needed('HOLDFAST_API_PORT', await freePort()), host: '192.0.2.1' }]);
    await expect(check).rejects.toThrow('HOLDFAST_BIND');
  });

  it('leaves out the ports of servers that are given', () => {
    const given = { HOLDFAST_TEMPORAL_ADDRESS: '127.0.0.1:7000', HOLDFAST_DATABASE_URL: 'postgres://localhost/x' };
    const own = neededPorts(readEnvironment({})).map(({ variable }) => variable);
    const fewer = neededPorts(readEnvironment(given)).map(({ variable }) => variable);
    expect(own.filter((variable) => !fewer.includes(variable))).toEqual([
      'HOLDFAST_TEMPORAL_PORT',
      'HOLDFAST_TEMPORAL_UI_PORT',
      'HOLDFAST_POSTGRES_PORT',
    ]);
  });
});
