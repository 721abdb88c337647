import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientNetwork } from '../../domain/client-network.js';

describe('a client is counted as', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['::FFFF:cb00:7109', '203.0.113.9'],
    ['0:0:0:0:0:ffff:255.255.255.255', '255.255.255.255'],
    ['::203.0.113.9', '0:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:DB8:0:1:ffff:ffff:ffff:ffff', '2001:db8:0:1::/64'],
    ['2001:db8:0:2::', '2001:db8:0:2::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['', ''],
    ['/run/viewers.sock', '/run/viewers.sock'],
    ['2001:db8::1::2', '2001:db8::1::2'],
    ['256.0.0.1', '256.0.0.1'],
  ])('%j: %j', (address, network) => {
    expect(clientNetwork(address)).toBe(network);
  });
});

const groups = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 4, maxLength: 4 });
const hex = (values: number[]): string => values.map((group) => group.toString(16)).join(':');
/** Mapped addresses begin with four empty groups. */
const network = groups.filter((values) => values.some((group) => group !== 0));

describe('whatever the address,', () => {
  it('all of a /64 is one client, and another /64 is another', () => {
    fc.assert(
      fc.property(network, network, groups, groups, (one, other, first, second) => {
        expect(clientNetwork(`${hex(one)}:${hex(first)}`)).toBe(clientNetwork(`${hex(one)}:${hex(second)}`));
        const same = hex(one) === hex(other);
        expect(clientNetwork(`${hex(one)}:${hex(first)}`) === clientNetwork(`${hex(other)}:${hex(first)}`)).toBe(same);
      }),
    );
  });

  it('IPv4 counts by itself, mapped into IPv6 or not', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(clientNetwork(address)).toBe(address);
        expect(clientNetwork(`::ffff:${address}`)).toBe(address);
      }),
    );
  });

  it('every spelling of an IPv6 address counts as the same client', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        // The URL parser writes an address in its one canonical form (RFC 5952).
        const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
        expect(clientNetwork(address)).toBe(clientNetwork(canonical));
        expect(clientNetwork(address.toUpperCase())).toBe(clientNetwork(canonical));
      }),
    );
  });
});
