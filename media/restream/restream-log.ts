import { appendFile, open, stat, truncate } from 'node:fs/promises';
import { redactText } from '../../platform/log/redact.js';

/** What an attempt says of its end is at the end. */
const MAX_BYTES = 16_384;
const HIDDEN = '…';

/** The log's length: where the next attempt's lines begin. */
export async function logLength(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

/**
 * The last lines of one attempt, without `secrets`: servers like to repeat what they refuse. If one was in them, the file
 * is cleared of it, too. `secrets` null: they are not known now, so what the server said is left out.
 */
export async function readRestreamLog(path: string, from: number, secrets: readonly string[] | null): Promise<string> {
  const raw = await readFrom(path, from);
  const shown = redactText(secrets === null ? raw.replace(/(Server error: ).*/g, `$1${HIDDEN}`) : withoutSecrets(raw, secrets));
  if (secrets?.some((secret) => raw.includes(secret))) {
    await truncate(path, from);
    await appendFile(path, shown);
  }
  return shown.slice(-MAX_BYTES).trim();
}

/** Longest first: a secret may be part of another. */
const withoutSecrets = (text: string, secrets: readonly string[]): string =>
  [...secrets].sort((a, b) => b.length - a.length).reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text);

async function readFrom(path: string, from: number): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const length = Math.max(0, size - from);
      const { buffer } = await file.read(Buffer.alloc(length), 0, length, from);
      return buffer.toString('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
