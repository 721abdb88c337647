import { BlockList, isIPv6 } from 'node:net';

/** How sockets that take both families show an IPv4 address. */
const MAPPED_PREFIX = '::ffff:';

/** @param networks addresses and CIDR prefixes (`10.0.0.0/8`, `2001:db8::/32`), checked before */
export function networkList(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return (text) => {
    const address = text.startsWith(MAPPED_PREFIX) ? text.slice(MAPPED_PREFIX.length) : text;
    return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  };
}
