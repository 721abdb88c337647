import { BlockList, isIPv6 } from 'node:net';

export interface AddressLimitsOptions {
  /** Connections of one address; 0 = any number. */
  connections: number;
  /** Requests of one address that wait for something; 0 = any number. */
  held: number;
  /** Addresses and networks (`10.0.0.0/8`) behind which many viewers are: caches, proxies. Loopback always is one. */
  proxies: readonly string[];
}

const LOOPBACK = ['127.0.0.0/8', '::1'];
const MAPPED_PREFIX = '::ffff:';

/** One client's share of something. */
export interface ClientLimit {
  /** False = no more; nothing was taken. */
  take(): boolean;
  give(): void;
}

const UNLIMITED: ClientLimit = { take: () => true, give: () => undefined };

/** What one client may keep busy, so that a single one cannot take all there is. */
export class AddressLimits {
  #options: AddressLimitsOptions;
  #proxies = new BlockList();
  #connections = new Map<string, number>();
  #held = new Map<string, number>();

  constructor(options: AddressLimitsOptions) {
    this.#options = options;
    for (const proxy of [...LOOPBACK, ...options.proxies]) {
      const [address = '', prefix] = proxy.split('/');
      const family = isIPv6(address) ? 'ipv6' : 'ipv4';
      if (prefix === undefined) this.#proxies.addAddress(address, family);
      else this.#proxies.addSubnet(address, Number(prefix), family);
    }
  }

  connectionsOf(remoteAddress: string | undefined): ClientLimit {
    return this.#limit(this.#connections, this.#options.connections, remoteAddress);
  }

  heldBy(remoteAddress: string | undefined): ClientLimit {
    return this.#limit(this.#held, this.#options.held, remoteAddress);
  }

  #limit(counts: Map<string, number>, limit: number, remoteAddress: string | undefined): ClientLimit {
    const client = limit > 0 ? this.#client(remoteAddress) : null;
    if (client === null) return UNLIMITED;
    return {
      take: () => {
        const count = counts.get(client) ?? 0;
        if (count >= limit) return false;
        counts.set(client, count + 1);
        return true;
      },
      give: () => {
        const count = (counts.get(client) ?? 0) - 1;
        if (count > 0) counts.set(client, count);
        else counts.delete(client);
      },
    };
  }

  /** What an address is counted as; null = it is not: a proxy, or a connection that is gone already. */
  #client(remoteAddress: string | undefined): string | null {
    if (!remoteAddress) return null;
    const address = remoteAddress.startsWith(MAPPED_PREFIX) ? remoteAddress.slice(MAPPED_PREFIX.length) : remoteAddress;
    return this.#proxies.check(address, isIPv6(address) ? 'ipv6' : 'ipv4') ? null : address;
  }
}
