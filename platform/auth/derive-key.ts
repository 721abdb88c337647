import { hkdfSync } from 'node:crypto';

export const MASTER_KEY_BYTES = 32;

/** Part of every label, so that keys of a later scheme can be told from these. */
export const SCHEME = 'v1';

/**
 * One key per use (RFC 5869), so that no use weakens another.
 *
 * @param masterKey 32 bytes; see master-key.ts
 */
export function deriveKey(masterKey: Uint8Array, use: string): Buffer {
  if (masterKey.length !== MASTER_KEY_BYTES) throw new Error(`The master key must have ${MASTER_KEY_BYTES} bytes.`);
  return Buffer.from(hkdfSync('sha256', masterKey, new Uint8Array(0), `holdfast ${SCHEME} ${use}`, MASTER_KEY_BYTES));
}
