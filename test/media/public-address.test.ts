import { describe, expect, it } from 'vitest';
import { checkedAddress, resolveHost } from '../../media/restream/public-address.js';

const PUBLIC = '93.184.216.34';
const ask = (addresses: string[], allowPrivate = false, attempt = 1): Promise<string> =>
  checkedAddress({ host: 'platform.example', allowPrivate, attempt, resolve: async () => addresses });

describe('the address of a host', () => {
  it('is asked for once: what is checked is what is connected to', async () => {
    const answers = [[PUBLIC], ['127.0.0.1']];
    const resolve = async (): Promise<string[]> => answers.shift()!;
    expect(await checkedAddress({ host: 'rebinds.example', allowPrivate: false, attempt: 1, resolve })).toBe(PUBLIC);
    expect(answers).toHaveLength(1);
  });

  it.each([[['127.0.0.1']], [[PUBLIC, '10.1.2.3']], [['::ffff:192.168.1.1']], [['64:ff9b::a00:1']], [['fe80::1%eth0']]])(
    'that is, or may be, %s is refused unless private ones are allowed',
    async (addresses) => {
      await expect(ask(addresses)).rejects.toMatchObject({ code: 'destination_address_forbidden' });
      expect(await ask(addresses, true)).toBe(addresses[0]);
    },
  );

  it('is the next one with every try', async () => {
    const addresses = [PUBLIC, '2606:2800:220:1::1'];
    expect(await Promise.all([1, 2, 3].map((attempt) => ask(addresses, false, attempt)))).toEqual([PUBLIC, addresses[1], PUBLIC]);
  });

  it('that has none is told by its name', async () => {
    const refusal = { code: 'destination_unreachable', message: expect.stringContaining('platform.example') as string };
    await expect(ask([])).rejects.toMatchObject(refusal);
    const resolve = (): Promise<string[]> => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }));
    await expect(checkedAddress({ host: 'platform.example', allowPrivate: true, attempt: 1, resolve })).rejects.toMatchObject(refusal);
  });

  it('written as numbers is itself', async () => {
    expect(await resolveHost('127.0.0.1')).toEqual(['127.0.0.1']);
    expect(await resolveHost('::1')).toEqual(['::1']);
  });
});
