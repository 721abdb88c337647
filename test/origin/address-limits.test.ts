import { describe, expect, test } from 'vitest';
import { AddressLimits } from '../../origin/http/address-limits.js';

describe('what one client may keep busy', () => {
  const limits = new AddressLimits({ connections: 2, held: 1, proxies: ['10.0.0.0/8', '2001:db8::/32', '192.0.2.7'] });
  const taken = (address: string | undefined): number => [1, 2, 3, 4].filter(() => limits.connectionsOf(address).take()).length;

  test.each<[string, string | undefined, number]>([
    ['a client', '203.0.113.1', 2],
    ['the same client, by its other name', '::ffff:203.0.113.1', 0],
    ['another client', '203.0.113.2', 2],
    ['a client with IPv6', '2001:db9::1', 2],
    ['a proxy in a network', '10.200.3.4', 4],
    ['a proxy in a network of IPv6', '2001:db8:1::9', 4],
    ['a proxy by its address', '192.0.2.7', 4],
    ['loopback', '127.0.0.1', 4],
    ['loopback of IPv6', '::1', 4],
    ['one that is gone already', undefined, 4],
  ])('%s', (_name, address, count) => expect(taken(address)).toBe(count));

  test('comes back when it is given back, and held requests are counted apart', () => {
    const client = limits.connectionsOf('203.0.113.9');
    expect([client.take(), client.take(), client.take()]).toEqual([true, true, false]);
    client.give();
    expect(limits.connectionsOf('203.0.113.9').take()).toBe(true);
    expect([limits.heldBy('203.0.113.9').take(), limits.heldBy('203.0.113.9').take()]).toEqual([true, false]);
  });

  test('is anything at all when the limit is 0', () => {
    const none = new AddressLimits({ connections: 0, held: 0, proxies: [] });
    expect([1, 2, 3].every(() => none.connectionsOf('203.0.113.1').take() && none.heldBy('203.0.113.1').take())).toBe(true);
  });
});
