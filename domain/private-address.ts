import { parseIpv4, parseIpv6 } from './ip-address.js';

/**
 * IPv4 blocks that are not a place on the public internet (IANA special-purpose address registry, RFC 6890), and
 * multicast (RFC 5771).
 */
const PRIVATE_IPV4: readonly [string, number][] = [
  ['0.0.0.0', 8], // this network; Linux connects 0.0.0.0 to itself
  ['10.0.0.0', 8], // RFC 1918
  ['100.64.0.0', 10], // shared by carriers, RFC 6598
  ['127.0.0.0', 8], // loopback
  ['169.254.0.0', 16], // link-local; cloud metadata services
  ['172.16.0.0', 12], // RFC 1918
  ['192.0.0.0', 24], // protocol assignments
  ['192.0.2.0', 24], // documentation
  ['192.168.0.0', 16], // RFC 1918
  ['198.18.0.0', 15], // benchmarks
  ['198.51.100.0', 24], // documentation
  ['203.0.113.0', 24], // documentation
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, broadcast
];

/** The same of IPv6, as leading 16-bit groups and how many bits of them count. */
const PRIVATE_IPV6: readonly [number[], number][] = [
  [[0x64, 0xff9b, 1], 48], // local translation, RFC 8215
  [[0x100], 64], // discard
  [[0x2001], 23], // protocol assignments, Teredo
  [[0x2001, 0xdb8], 32], // documentation
  [[0x3fff], 20], // documentation
  [[0x5f00], 16], // segment routing
  [[0xfc00], 7], // unique local
  [[0xfe80], 10], // link-local
  [[0xfec0], 10], // site-local, deprecated
  [[0xff00], 8], // multicast
];

/** Prefixes whose last 32 bits are an IPv4 address: unspecified and compatible, mapped, translated (NAT64). */
const EMBEDDING_LAST: readonly number[][] = [
  [0, 0, 0, 0, 0, 0],
  [0, 0, 0, 0, 0, 0xffff],
  [0x64, 0xff9b, 0, 0, 0, 0],
];
/** 6to4: the IPv4 address follows at once. */
const SIX_TO_FOUR = 0x2002;

const GROUP_BITS = 16;

/**
 * True for loopback, private, link-local, carrier-shared, multicast, reserved and unspecified addresses, in IPv4, IPv6
 * and IPv4 inside IPv6; and for what is no IP address at all, so that nothing unknown passes. `ip` is a literal as
 * resolvers give it: no brackets.
 */
export function isPrivateAddress(ip: string): boolean {
  const ipv4 = parseIpv4(ip);
  if (ipv4 !== null) return isPrivateIpv4(ipv4);
  const groups = parseIpv6(ip);
  if (groups === null) return true;
  if (EMBEDDING_LAST.some((prefix) => startsWith(groups, prefix, prefix.length * GROUP_BITS))) {
    return isPrivateIpv4(ipv4At(groups, 6));
  }
  if (groups[0] === SIX_TO_FOUR) return isPrivateIpv4(ipv4At(groups, 1));
  return PRIVATE_IPV6.some(([prefix, bits]) => startsWith(groups, prefix, bits));
}

/** True for an address written as numbers, as opposed to a name; no brackets. */
export const isIpAddress = (host: string): boolean => parseIpv4(host) !== null || parseIpv6(host) !== null;

/** True for a host that needs no resolver to be known as private: an address, or a name for this machine (RFC 6761). */
export function isPrivateHost(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  if (name === 'localhost' || name.endsWith('.localhost')) return true;
  return isIpAddress(name) && isPrivateAddress(name);
}

function isPrivateIpv4(address: number): boolean {
  return PRIVATE_IPV4.some(([block, bits]) => {
    const size = 2 ** (32 - bits);
    return Math.floor(address / size) === Math.floor(parseIpv4(block)! / size);
  });
}

const ipv4At = (groups: number[], index: number): number => groups[index]! * 65536 + groups[index + 1]!;

function startsWith(groups: number[], prefix: readonly number[], bits: number): boolean {
  for (let index = 0; index * GROUP_BITS < bits; index += 1) {
    const counted = Math.min(GROUP_BITS, bits - index * GROUP_BITS);
    const differs = (groups[index]! ^ (prefix[index] ?? 0)) >>> (GROUP_BITS - counted);
    if (differs !== 0) return false;
  }
  return true;
}
