import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { MASTER_KEY_BYTES } from '../../../platform/auth/derive-key.js';
import { createSecretBox } from '../../../platform/auth/secret-box.js';

const box = createSecretBox(randomBytes(MASTER_KEY_BYTES));
const SECRET = 'rtmps://live.example/app/ключ-🔑';

describe('a secret box', () => {
  it('gives back what was put in, and never shows it', () => {
    const sealed = box.encrypt(SECRET);
    expect(box.decrypt(sealed)).toBe(SECRET);
    expect(sealed).toMatch(/^v1\.[A-Za-z0-9_-]+$/);
    expect(Buffer.from(sealed.slice(3), 'base64url').toString('utf8')).not.toContain('live.example');
  });

  it('seals the same text differently each time', () => {
    expect(box.encrypt(SECRET)).not.toBe(box.encrypt(SECRET));
  });

  it.each([
    ['one changed byte', (sealed: string) => sealed.slice(0, -2) + (sealed.endsWith('AA') ? 'BB' : 'AA')],
    ['a missing end', (sealed: string) => sealed.slice(0, 20)],
    ['another scheme', (sealed: string) => sealed.replace('v1.', 'v2.')],
    ['plain text', () => SECRET],
    ['nothing', () => ''],
  ])('refuses %s without showing it', (_name, change) => {
    expect(() => box.decrypt(change(box.encrypt(SECRET)))).toThrow(/not the master key/);
  });

  it('does not open what another master key sealed, nor find what it hashed', () => {
    const other = createSecretBox(randomBytes(MASTER_KEY_BYTES));
    expect(() => other.decrypt(box.encrypt(SECRET))).toThrow(/not the master key/);
    expect(other.lookupHash(SECRET)).not.toBe(box.lookupHash(SECRET));
  });

  it('hashes the same text to the same 64 hexadecimal digits', () => {
    expect(box.lookupHash(SECRET)).toBe(box.lookupHash(SECRET));
    expect(box.lookupHash(SECRET)).toMatch(/^[0-9a-f]{64}$/);
  });

  it('takes no short master key', () => {
    expect(() => createSecretBox(randomBytes(16))).toThrow(/32 bytes/);
  });
});
