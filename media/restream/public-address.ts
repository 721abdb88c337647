import { lookup } from 'node:dns/promises';
import { HoldfastError } from '../../domain/errors.js';
import { isPrivateAddress } from '../../domain/private-address.js';

export type ResolveHost = (host: string) => Promise<string[]>;

/** Every address of a name, IPv4 and IPv6, as the system resolves it now. */
export const resolveHost: ResolveHost = async (host) =>
  (await lookup(host, { all: true, order: 'verbatim' })).map(({ address }) => address);

export interface AddressQuestion {
  /** A name, or an address without brackets. */
  host: string;
  /** Private addresses may be sent to. */
  allowPrivate: boolean;
  /** Number of the connection, from 1: of several addresses the next one gets the next try. */
  attempt: number;
  resolve?: ResolveHost;
}

/**
 * The address to connect to, looked up anew and checked: what is connected to must be this literal, since a second look-up
 * may be answered otherwise. One private address among public ones is enough to refuse. The resolver's order is kept: it
 * puts addresses this machine cannot reach last (RFC 6724).
 *
 * @throws HoldfastError `destination_unreachable` when the name has no address, `destination_address_forbidden`
 */
export async function checkedAddress({ host, allowPrivate, attempt, resolve = resolveHost }: AddressQuestion): Promise<string> {
  const addresses = await lookUp(host, resolve);
  if (!allowPrivate && addresses.some(isPrivateAddress)) throw new HoldfastError('destination_address_forbidden');
  return addresses[(attempt - 1) % addresses.length]!;
}

async function lookUp(host: string, resolve: ResolveHost): Promise<string[]> {
  let code = 'ENODATA';
  let cause: unknown;
  try {
    const addresses = await resolve(host);
    if (addresses.length > 0) return addresses;
  } catch (error) {
    code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    cause = error;
  }
  const message = `The name ${host} was not found (${code}). Check the host in the URL.`;
  throw new HoldfastError('destination_unreachable', message, {}, { cause });
}
