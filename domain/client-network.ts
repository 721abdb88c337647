import { parseIpv4, parseIpv6 } from './ip-address.js';

/** `::ffff:a.b.c.d` (RFC 4291, 2.5.5.2): how a socket that listens to both families shows an IPv4 peer. */
const MAPPED_PREFIX = [0, 0, 0, 0, 0, 0xffff];
/** The groups that name a network: a /64 is the least an IPv6 customer gets (RFC 6177), each of its addresses for the taking. */
const NETWORK_GROUPS = 4;

/**
 * What a client is counted as wherever a limit is per address: IPv4 by its address, written `a.b.c.d` also when it comes
 * mapped into IPv6; IPv6 by its /64, written `g:g:g:g::/64`. Every spelling of an address gives the same answer. What is no IP
 * address (the empty text of a connection that is gone already, a socket path) is returned as it is.
 */
export function clientNetwork(address: string): string {
  const ipv4 = parseIpv4(address);
  if (ipv4 !== null) return dotted(ipv4);
  const groups = parseIpv6(address);
  if (groups === null) return address;
  if (MAPPED_PREFIX.every((group, index) => groups[index] === group)) return dotted(groups[6]! * 2 ** 16 + groups[7]!);
  const network = groups.slice(0, NETWORK_GROUPS).map((group) => group.toString(16));
  return `${network.join(':')}::/64`;
}

const dotted = (ipv4: number): string => [24, 16, 8, 0].map((shift) => (ipv4 >>> shift) & 0xff).join('.');
