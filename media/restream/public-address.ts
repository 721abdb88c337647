import { lookup } from 'node:dns/promises';
import { HoldfastError } from '../../domain/errors.js';
import { isPrivateAddress } from '../../domain/private-address.js';

export type ResolveHost = (host: string) => Promise<string[]>;

/** Every address of a name, IPv4 and IPv6, as the system resolves it now. */
export const resolveHost: ResolveHost = async (host) => (await lookup(host, { all: true })).map(({ address }) => address);

/**
 * Looks a host up anew. One private address among public ones is enough to refuse: which one is used is not known before.
 *
 * @throws HoldfastError `destination_unreachable` when the name has no address, `destination_address_forbidden`
 */
export async function checkPublicAddress(host: string, allowPrivate: boolean, resolve: ResolveHost = resolveHost): Promise<void> {
  let addresses: string[];
  try {
    addresses = await resolve(host);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw new HoldfastError(
      'destination_unreachable',
      `The name ${host} was not found (${code}). Check the host in the URL.`,
      {},
      { cause: error },
    );
  }
  if (!allowPrivate && addresses.some(isPrivateAddress)) throw new HoldfastError('destination_address_forbidden');
}
