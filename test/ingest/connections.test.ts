import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Connections } from '../../ingest/connections.js';
import { RtmpConnection } from '../../ingest/rtmp/rtmp-connection.js';

const server = createServer();
const sockets: Socket[] = [];
let connections: Connections;
beforeEach(async () => {
  connections = new Connections({ connections: 5, connectionsPerAddress: 2 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
  await once(server, 'close');
});

/** A real connection, counted as one of this address. */
async function add(address: string): Promise<RtmpConnection> {
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [socket] = (await once(server, 'connection')) as [Socket];
  sockets.push(client, socket);
  const nothing = () => undefined;
  const connection = new RtmpConnection(socket, {
    publish: nothing,
    media: nothing,
    ended: nothing,
    protocolError: nothing,
    closed: nothing,
  });
  connections.add(connection, address);
  return connection;
}

it('count a /64 of IPv6 as one client, and IPv4 by its address, mapped or not', async () => {
  await add('2001:db8:0:1::1');
  const second = await add('2001:db8:0:1:ffff::2');
  expect(connections.fullFor('2001:db8:0:1:aaaa:bbbb:cccc:dddd')).toBe('too_many_connections_of_address');
  expect(connections.fullFor('2001:db8:0:2::1')).toBeNull();
  connections.remove(second);
  expect(connections.fullFor('2001:db8:0:1::3')).toBeNull();
  await add('203.0.113.1');
  await add('::ffff:203.0.113.1');
  expect(connections.fullFor('203.0.113.1')).toBe('too_many_connections_of_address');
  expect(connections.fullFor('203.0.113.2')).toBeNull();
});

it('are limited altogether, whosever they are', async () => {
  for (let host = 1; host <= 5; host += 1) await add(`203.0.113.${host}`);
  expect(connections.fullFor('203.0.113.6')).toBe('too_many_connections');
});
