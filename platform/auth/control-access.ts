import { createHmac, timingSafeEqual } from 'node:crypto';
import type { ControlAccess } from '../../domain/contracts/control-access.js';
import { deriveKey } from './derive-key.js';

/** 128 bits: nobody guesses them, and an address stays readable. */
const SIGNATURE_DIGITS = 32;
const SIGNED = new RegExp(`^(.*)[?&]signature=([0-9a-f]{${SIGNATURE_DIGITS}})$`);

/**
 * Derived from the master key, which every process of a host reads anyway: nothing more has to be set, and after a restart of
 * one process the others are still let in.
 *
 * @param masterKey 32 bytes; see master-key.ts
 */
export function createControlAccess(masterKey: Uint8Array): ControlAccess {
  const authorization = `Bearer ${deriveKey(masterKey, 'control').toString('hex')}`;
  const key = deriveKey(masterKey, 'control signature');
  const digest = (text: string): Buffer => createHmac('sha256', key).update(text, 'utf8').digest();
  const signatureOf = (target: string): string => digest(target).toString('hex').slice(0, SIGNATURE_DIGITS);
  // Digests are compared: they are of one length, and say nothing of how far a guess was right.
  const isSame = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other));
  return {
    authorization,
    sign: (target) => `${target}${target.includes('?') ? '&' : '?'}signature=${signatureOf(target)}`,
    allows: (given) => isSame(given ?? '', authorization),
    allowsSigned(target) {
      const [, bare, signature] = SIGNED.exec(target) ?? [];
      return bare !== undefined && signature !== undefined && isSame(signature, signatureOf(bare));
    },
  };
}
