import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createControlAccess } from '../../../platform/auth/control-access.js';

const masterKey = randomBytes(32);
const access = createControlAccess(masterKey);
const target = fc.tuple(fc.webPath(), fc.webQueryParameters()).map(([path, query]) => `/x${path}${query === '' ? '' : `?${query}`}`);

describe('the processes of one installation', () => {
  it('know each other, by the master key alone, and nobody else', () => {
    const another = createControlAccess(masterKey);
    expect(access.allows(another.authorization)).toBe(true);
    expect(access.authorization).toMatch(/^Bearer [0-9a-f]{64}$/);
    const stranger = createControlAccess(randomBytes(32));
    expect(access.allows(stranger.authorization)).toBe(false);
    for (const given of [undefined, '', 'Bearer ', access.authorization.slice(0, -1), `${access.authorization}0`, 'Bearer undefined']) {
      expect(access.allows(given)).toBe(false);
    }
  });

  it('do not say the master key, nor anything a signature tells', () => {
    expect(access.authorization).not.toContain(masterKey.toString('hex'));
    expect(access.allows(`Bearer ${/signature=(.*)/.exec(access.sign('/a'))![1]}`)).toBe(false);
  });
});

describe('a signed address', () => {
  it('is good for exactly what it says', () => {
    fc.assert(
      fc.property(target, target, (one, other) => {
        const signed = access.sign(one);
        expect(access.allowsSigned(signed)).toBe(true);
        expect(createControlAccess(masterKey).allowsSigned(signed)).toBe(true);
        expect(createControlAccess(randomBytes(32)).allowsSigned(signed)).toBe(false);
        expect(access.allowsSigned(one)).toBe(false);
        const signature = signed.slice(one.length);
        if (other !== one) expect(access.allowsSigned(`${other}${signature}`)).toBe(false);
        expect(access.allowsSigned(`${signed}&reader=another`)).toBe(false);
        expect(access.allowsSigned(access.sign(signed))).toBe(true);
      }),
    );
  });

  it.each(['', '/', '?signature=', '/a?signature=', `/a?signature=${'0'.repeat(32)}`, `/a?signature=${'0'.repeat(31)}`])(
    'is not %j',
    (text) => {
      expect(access.allowsSigned(text)).toBe(false);
    },
  );
});
