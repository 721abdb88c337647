import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { MASTER_KEY_BYTES } from './derive-key.js';

const OWNER_ONLY = 0o600;
const HEX_KEY = new RegExp(`^[0-9a-f]{${2 * MASTER_KEY_BYTES}}$`, 'i');

export interface MasterKeySource {
  /** 64 hexadecimal digits (HOLDFAST_MASTER_KEY); wins over the file. */
  hex?: string;
  /** File that holds the same digits. */
  path: string;
}

/** Thrown at start; the message says which setting or file to look at, never what is in it. */
export class MasterKeyError extends Error {}

/** The master key of this installation. Throws `MasterKeyError` when there is none or it is not one. */
export async function readMasterKey({ hex, path }: MasterKeySource): Promise<Buffer> {
  if (hex !== undefined) return parse(hex, 'HOLDFAST_MASTER_KEY');
  try {
    return parse(await readFile(path, 'utf8'), path);
  } catch (error) {
    if (error instanceof MasterKeyError) throw error;
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new MasterKeyError(`No master key: set HOLDFAST_MASTER_KEY, or make ${path} readable (${reason}).`);
  }
}

/** Like `readMasterKey`, but makes the file when it is missing. Safe when two processes do it at once. */
export async function ensureMasterKey(source: MasterKeySource): Promise<Buffer> {
  if (source.hex === undefined) await createIfMissing(source.path);
  return readMasterKey(source);
}

/** Written beside and linked into place: a reader never sees half a key, and the first writer wins. */
async function createIfMissing(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${randomBytes(8).toString('hex')}`;
  await writeFile(draft, `${randomBytes(MASTER_KEY_BYTES).toString('hex')}\n`, { mode: OWNER_ONLY, flush: true });
  try {
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

function parse(text: string, from: string): Buffer {
  const digits = text.trim();
  if (!HEX_KEY.test(digits)) throw new MasterKeyError(`${from} must be ${2 * MASTER_KEY_BYTES} hexadecimal digits.`);
  return Buffer.from(digits, 'hex');
}
