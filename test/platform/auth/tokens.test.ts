import { describe, expect, it } from 'vitest';
import { coversStream, holdsOneOf } from '../../../platform/auth/permissions.js';
import { MAX_TOKEN_LIFETIME_SECONDS, signToken, verifyToken, type TokenRequest } from '../../../platform/auth/tokens.js';

const NOW = new Date('2026-01-01T12:00:00Z');
const after = (seconds: number): Date => new Date(NOW.getTime() + seconds * 1000);
const findSecret = async (apiKey: string): Promise<string | null> => (apiKey === 'key' ? 'secret' : null);
const sign = (changes: Partial<TokenRequest> = {}) =>
  signToken({ apiKey: 'key', apiSecret: 'secret', permissions: ['stream:read'], expiresInSeconds: 60, ...changes }, NOW);

describe('a token', () => {
  it('says who signed it, what it allows, and for which stream', async () => {
    const { token, expiresAt } = await sign({ permissions: ['playback', 'stream:read'], streamId: 'str_1' });
    expect(expiresAt).toEqual(after(60));
    expect(await verifyToken(token, findSecret, after(30))).toEqual({
      kind: 'token',
      apiKey: 'key',
      permissions: ['playback', 'stream:read'],
      streamId: 'str_1',
    });
  });

  it.each([
    ['just before its end', 59, null],
    ['within the tolerance of clocks', 64, null],
    ['after it', 66, 'token_expired'],
    ['signed by a clock a minute ahead', -60, null],
    ['signed by a clock far ahead', -62, 'invalid_credentials'],
  ])('%s is judged so', async (_name, seconds, code) => {
    const { token } = await sign();
    const checked = verifyToken(token, findSecret, after(seconds)).then(
      () => null,
      (error: { code: string }) => error.code,
    );
    expect(await checked).toBe(code);
  });

  it('may live as long as allowed, and not a second longer', async () => {
    const longest = await sign({ expiresInSeconds: MAX_TOKEN_LIFETIME_SECONDS });
    await expect(verifyToken(longest.token, findSecret, NOW)).resolves.toBeDefined();
    const longer = await sign({ expiresInSeconds: MAX_TOKEN_LIFETIME_SECONDS + 1 });
    await expect(verifyToken(longer.token, findSecret, NOW)).rejects.toThrow(/lives too long/);
  });

  it('of an unknown key and one with a wrong signature fail alike', async () => {
    const messages = [];
    for (const wrong of [{ apiKey: 'unknown' }, { apiSecret: 'wrong' }]) {
      const { token } = await sign(wrong);
      messages.push(await verifyToken(token, findSecret, NOW).catch((error: Error) => error.message));
    }
    expect(messages[0]).toBe(messages[1]);
  });
});

describe('permissions', () => {
  const credential = { kind: 'token' as const, apiKey: 'key', permissions: ['stream:write' as const], streamId: 'str_1' };
  it('include no other, but admin includes all', () => {
    expect(holdsOneOf(credential, ['stream:write', 'stream:read'])).toBe(true);
    expect(holdsOneOf(credential, ['stream:read', 'admin'])).toBe(false);
    expect(holdsOneOf({ ...credential, permissions: ['admin'] }, ['playback'])).toBe(true);
  });

  it('of a narrowed credential end at its stream', () => {
    expect(coversStream(credential, 'str_1')).toBe(true);
    expect(coversStream(credential, 'str_2')).toBe(false);
    expect(coversStream({ ...credential, streamId: null }, 'str_2')).toBe(true);
  });
});
