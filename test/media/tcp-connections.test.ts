import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { tcpConnections } from '../../media/process/tcp-connections.js';

const open: { destroy(): unknown }[] = [];
afterEach(() => open.splice(0).forEach((one) => one.destroy()));

async function connectTo(host: string): Promise<{ port: number; socket: Socket }> {
  const server = createServer((socket) => void open.push(socket));
  open.push({ destroy: () => server.close() });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, host, resolve));
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, host);
  open.push(socket);
  await new Promise((resolve) => socket.once('connect', resolve));
  return { port, socket };
}

describe('a connection of a process', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['127.9.8.7', '127.9.8.7'],
    ['::1', '0000:0000:0000:0000:0000:0000:0000:0001'],
  ])('to %s shows where it goes', async (host, shown) => {
    const { port } = await connectTo(host);
    const found = tcpConnections(process.pid)!.filter(({ remotePort }) => remotePort === port);
    expect(found).toEqual([expect.objectContaining({ remoteAddress: shown, unacknowledged: 0 })]);
  });
});
