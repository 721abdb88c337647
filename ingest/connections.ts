import { clientNetwork } from '../domain/client-network.js';
import type { IngestLimits } from './limits.js';
import type { PublishSession } from './publish/publish-session.js';
import type { RtmpConnection } from './rtmp/rtmp-connection.js';

/** The open connections, whose they are counted as, and the publish each has become. */
export class Connections {
  readonly #limits: Pick<IngestLimits, 'connections' | 'connectionsPerAddress'>;
  readonly #known = new Map<RtmpConnection, { network: string; session: PublishSession | null }>();

  constructor(limits: Pick<IngestLimits, 'connections' | 'connectionsPerAddress'>) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#known.size;
  }

  /** Why one more of this address is too many, or null. */
  fullFor(address: string): 'too_many_connections' | 'too_many_connections_of_address' | null {
    const { connections, connectionsPerAddress } = this.#limits;
    if (this.size >= connections) return 'too_many_connections';
    const network = clientNetwork(address);
    const same = [...this.#known.values()].filter((known) => known.network === network).length;
    return same >= connectionsPerAddress ? 'too_many_connections_of_address' : null;
  }

  add(connection: RtmpConnection, address: string): void {
    this.#known.set(connection, { network: clientNetwork(address), session: null });
  }

  remove(connection: RtmpConnection): void {
    this.#known.delete(connection);
  }

  has(connection: RtmpConnection): boolean {
    return this.#known.has(connection);
  }

  /** From now on this connection is that publish. */
  assign(connection: RtmpConnection, session: PublishSession): void {
    const known = this.#known.get(connection);
    if (known) known.session = session;
  }

  sessionOf(connection: RtmpConnection): PublishSession | null {
    return this.#known.get(connection)?.session ?? null;
  }

  all(): IterableIterator<RtmpConnection> {
    return this.#known.keys();
  }

  sessions(): PublishSession[] {
    return [...this.#known.values()].flatMap(({ session }) => session ?? []);
  }
}
