import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { RestreamEnd } from '../../domain/destination.js';
import { isRunning } from '../../media/process/process-identity.js';
import { tcpConnections } from '../../media/process/tcp-connections.js';
import { freePort } from '../../tools/launcher/ports/ports.js';
import { makeClip } from '../support/programme.js';
import { until } from '../support/until.js';
import { RestreamBench } from './support.js';

/** Of example.com, once. Nothing is waited for there. */
const PUBLIC_ADDRESS = '93.184.216.34';

let bench: RestreamBench;
beforeAll(async () => {
  bench = new RestreamBench();
  await bench.play(await makeClip(bench.dir, 'clip'));
});
afterAll(() => bench.close());

describe('a restream', () => {
  it('checks the address anew and refuses private ones unless they are allowed', async () => {
    const platform = await bench.platform('private');
    bench.target('dst_private', platform.url.replace('127.0.0.1', 'platform.example'));
    const resolve = async (): Promise<string[]> => ['93.184.216.34', '10.1.2.3'];
    const activities = bench.activities({ allowPrivateAddresses: false, resolve });
    expect(await bench.run(activities, 'dst_private').end).toMatchObject({ code: 'destination_address_forbidden' });
    expect(platform.connections).toEqual([]);
  });

  it.each(['127.0.0.1', '::ffff:127.0.0.1'])('goes to the address that was looked up (%s), under the name of the platform', async (ip) => {
    const platform = await bench.platform(`named-${ip.length}`);
    const id = `dst_named_${ip.length}`;
    bench.target(id, platform.url.replace('127.0.0.1', 'platform.example'));
    const activities = bench.activities({ resolve: async () => [ip] });
    const run = bench.run(activities, id);
    const connection = await platform.receiving();
    expect(connection.commands[0]).toMatchObject({ cmd: 'connect', tcUrl: platform.url.replace('127.0.0.1', 'platform.example') });
    await bench.stop(activities, id);
    await run.end;
  });

  it('goes to the address that was checked, whatever its name leads to a moment later', async () => {
    const platform = await bench.platform('rebinds');
    // The look-up of this process finds a public address, that of the system finds this machine.
    bench.target('dst_rebinds', platform.url.replace('127.0.0.1', 'localhost'));
    const activities = bench.activities({ allowPrivateAddresses: false, resolve: async () => [PUBLIC_ADDRESS] });
    const run = bench.run(activities, 'dst_rebinds');
    const record = await until(() => bench.restreams.of({ broadcastId: 'brd_1', destinationId: 'dst_rebinds' }), 'its ffmpeg');
    const shown = readFileSync(`/proc/${record.process.pid}/cmdline`, 'utf8').split('\0');
    expect(shown.filter((argument) => argument.startsWith('rtmp://'))).toEqual([`rtmp://${PUBLIC_ADDRESS}:${platform.port}/live`]);
    await until(() => tcpConnections(record.process.pid)?.length || !isRunning(record.process), 'a connection');
    await bench.stop(activities, 'dst_rebinds');
    await run.end;
    expect(platform.connections).toEqual([]);
  });

  it('over RTMPS ends the same whatever its name leads to in this network, and what it meets there is let go at once', async () => {
    const sockets = new Set<Socket>();
    const serve = async (onSocket: (socket: Socket) => void): Promise<number> => {
      const server = createServer((socket) => {
        sockets.add(
          socket
            .resume()
            .on('error', () => undefined)
            .on('close', () => sockets.delete(socket)),
        );
        onSocket(socket);
      });
      onTestFinished(() => void server.close());
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return (server.address() as AddressInfo).port;
    };
    const ports = {
      closed: await freePort(),
      silent: await serve(() => undefined),
      closing: await serve((socket) => socket.end()),
      web: await serve((socket) => socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))),
    };
    const ends: RestreamEnd[] = [];
    const activities = bench.activities({ allowPrivateAddresses: false, resolve: async () => [PUBLIC_ADDRESS] });
    for (const [what, port] of Object.entries(ports)) {
      bench.target(`dst_${what}`, `rtmps://localhost:${port}/live`);
      ends.push(await bench.run(activities, `dst_${what}`).end);
    }
    expect(ends).toEqual(ends.map(() => ends[0]));
    expect(ends[0]).toMatchObject({ code: 'destination_unreachable', wasLive: false });
    expect(ends[0]!.detail).not.toMatch(/refused|timed out|in time/);
    await until(() => sockets.size === 0, 'the connections to be gone');
  });

  it('takes the next address with the next try', async () => {
    const platform = await bench.platform('second');
    bench.target('dst_second', platform.url.replace('127.0.0.1', 'platform.example'));
    // Nobody listens at the first one.
    const activities = bench.activities({ resolve: async () => ['127.0.0.2', '127.0.0.1'] });
    expect(await bench.run(activities, 'dst_second', 1).end).toMatchObject({ code: 'destination_unreachable' });
    const run = bench.run(activities, 'dst_second', 2);
    await platform.receiving();
    await bench.stop(activities, 'dst_second');
    await run.end;
  });
});
