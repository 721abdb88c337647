import { describe, expect, test } from 'vitest';
import { HoldfastError } from '../../domain/errors.js';
import { AddressLimits, checkFor, REFUSALS_PER_MINUTE } from '../../origin/http/address-limits.js';

describe('what one client may keep busy', () => {
  const limits = new AddressLimits({ connections: 2, held: 1, proxies: ['10.0.0.0/8', '2001:db8::/32', '192.0.2.7'] });
  const taken = (address: string | undefined): number => [1, 2, 3, 4].filter(() => limits.connectionsOf(address).take()).length;

  test.each<[string, string | undefined, number]>([
    ['a client', '203.0.113.1', 2],
    ['the same client, by its other name', '::ffff:203.0.113.1', 0],
    ['another client', '203.0.113.2', 2],
    ['a client with IPv6', '2001:db9::1', 2],
    ['the same client, by another address of its network', '2001:db9::ffff:1', 0],
    ['a client in the next network', '2001:db9:0:1::1', 2],
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

  test('counts tokens of nobody by network, and looks at no more of them', async () => {
    const refused = (): Promise<never> => Promise.reject(new HoldfastError('invalid_credentials'));
    const codeOf = (address: string, check = refused): Promise<unknown> =>
      checkFor(limits.refusalsOf(address), check).then(
        () => 'good',
        (error: unknown) => (error as HoldfastError).code,
      );
    for (let refusal = 0; refusal < REFUSALS_PER_MINUTE; refusal++)
      expect(await codeOf(`2001:dba::${refusal}`)).toBe('invalid_credentials');
    let checks = 0;
    const counted = (): Promise<never> => {
      checks++;
      return refused();
    };
    expect([await codeOf('2001:dba::9999', counted), checks]).toEqual(['rate_limited', 0]);
    expect(await codeOf('2001:dba:0:1::1')).toBe('invalid_credentials');
    for (let viewer = 0; viewer <= REFUSALS_PER_MINUTE; viewer++) {
      expect(await codeOf('203.0.113.77', () => Promise.reject(new HoldfastError('token_expired')))).toBe('token_expired');
      expect(await codeOf('10.0.0.1')).toBe('invalid_credentials');
    }
  });
});
