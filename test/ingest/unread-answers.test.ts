import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { RtmpConnection, SOCKET_OPTIONS } from '../../ingest/rtmp/rtmp-connection.js';
import { until } from '../support/until.js';
import { amf } from './raw-encoder.js';

const HANDSHAKE = Buffer.concat([Buffer.from([3]), Buffer.alloc(2 * 1536)]);
/** Their answers are more than the kernel takes. */
const COMMANDS = 60_000;
const KIB = 1024;

it('answers that a peer does not read are not hoarded, and the others go on being read', async () => {
  const server = createServer(SOCKET_OPTIONS).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
  const [socket] = (await once(server, 'connection')) as [Socket];
  const errors: Error[] = [];
  const nothing = () => undefined;
  const connection = new RtmpConnection(socket, {
    publish: nothing,
    media: nothing,
    ended: nothing,
    protocolError: (error) => errors.push(error),
    closed: nothing,
  });
  let most = 0;
  socket.on('data', () => (most = Math.max(most, socket.writableLength)));

  const payload = Buffer.concat([amf('connect'), amf(1), amf({ app: 'live', tcUrl: 'rtmp://127.0.0.1/live' })]);
  const header = Buffer.from([3, 0, 0, 0, 0, 0, payload.length, 20, 0, 0, 0, 0]);
  const command = Buffer.concat([header, payload]);
  const bytes = Buffer.concat([HANDSHAKE, ...Array.from({ length: COMMANDS }, () => command)]);
  client.write(bytes);
  await until(() => connection.bytesIn === bytes.length, 'all of it to be read');
  expect(errors).toEqual([]);
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(16 * KIB);

  client.destroy();
  socket.destroy();
  server.close();
  await once(server, 'close');
});
