import { BlockList, isIPv6 } from 'node:net';
import { LRUCache } from 'lru-cache';
import { clientNetwork } from '../../domain/client-network.js';
import { HoldfastError } from '../../domain/errors.js';

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

/** A client's tokens that were nobody's. */
export interface Refusals {
  /** It has had as many as a client gets; no further token of it is looked at for now. */
  readonly tooMany: boolean;
  count(): void;
}

/** Tokens with a wrong signature or an unknown key that one client may try in a minute; a viewer with an old link has none of these. */
export const REFUSALS_PER_MINUTE = 120;
const MINUTE_MS = 60_000;
/** Clients whose refusals are remembered. */
const REMEMBERED_CLIENTS = 20_000;

export const UNCOUNTED: Refusals = { tooMany: false, count: () => undefined };

/** Checks a token for a client, whose refusals are counted. Throws what the check throws, and `rate_limited`. */
export async function checkFor<T>(refusals: Refusals, check: () => Promise<T>): Promise<T> {
  if (refusals.tooMany) throw new HoldfastError('rate_limited');
  try {
    return await check();
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'invalid_credentials') refusals.count();
    throw error;
  }
}

const UNLIMITED: ClientLimit = { take: () => true, give: () => undefined };

/** What one client may keep busy, so that a single one cannot take all there is. */
export class AddressLimits {
  #options: AddressLimitsOptions;
  #proxies = new BlockList();
  #connections = new Map<string, number>();
  #held = new Map<string, number>();
  /** Refusals of a client within a minute of the first. */
  #refused = new LRUCache<string, { count: number }>({ max: REMEMBERED_CLIENTS, ttl: MINUTE_MS });

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

  refusalsOf(remoteAddress: string | undefined): Refusals {
    const client = this.#client(remoteAddress);
    if (client === null) return UNCOUNTED;
    const refused = this.#refused;
    return {
      get tooMany() {
        return (refused.get(client)?.count ?? 0) >= REFUSALS_PER_MINUTE;
      },
      count: () => {
        const known = refused.get(client);
        if (known) known.count++;
        else refused.set(client, { count: 1 });
      },
    };
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
    return this.#proxies.check(address, isIPv6(address) ? 'ipv6' : 'ipv4') ? null : clientNetwork(address);
  }
}
