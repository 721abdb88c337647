import { readFile } from 'node:fs/promises';

const BOOT_ID_FILE = '/proc/sys/kernel/random/boot_id';

/** Names the present start of the machine (Linux: random, made at each boot); null where that cannot be known. */
export async function readBoot(): Promise<string | null> {
  try {
    return (await readFile(BOOT_ID_FILE, 'utf8')).trim();
  } catch {
    // Another system: then a power cut is not told from the end of the process.
    return null;
  }
}
