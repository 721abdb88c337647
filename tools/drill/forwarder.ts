import { connect, createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

const LOOPBACK = '127.0.0.1';

/** Passes TCP connections on from another address of this machine: an encoder that has moved. */
export class Forwarder {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(targetPort: number, localAddress: string) {
    this.#server = createServer((incoming) => {
      const outgoing = connect({ host: LOOPBACK, port: targetPort, localAddress });
      for (const socket of [incoming, outgoing]) {
        this.#sockets.add(socket);
        // Either side's end is the other's.
        socket
          .on('error', () => undefined)
          .once('close', () => {
            this.#sockets.delete(socket);
            incoming.destroy();
            outgoing.destroy();
          });
      }
      incoming.pipe(outgoing);
      outgoing.pipe(incoming);
    });
  }

  static async start(targetPort: number, localAddress: string): Promise<Forwarder> {
    const forwarder = new Forwarder(targetPort, localAddress);
    await new Promise<void>((resolve, reject) => forwarder.#server.once('error', reject).listen(0, LOOPBACK, resolve));
    return forwarder;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
