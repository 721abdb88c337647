import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isRunning, type ProcessIdentity } from '../../../media/process/process-identity.js';
import { sendSignal } from './end-process.js';

/**
 * SIGKILL to every process that is written down in a folder of records (encoders, restreams) and still runs. Synchronous:
 * it is the last thing a launcher does. A record that cannot be read says nothing for sure, so nothing is done about it.
 */
export function killRecorded(dir: string): void {
  for (const path of recordsIn(dir)) {
    const identity = processIn(path);
    if (identity && isRunning(identity)) sendSignal(identity.pid, 'SIGKILL');
  }
}

function recordsIn(dir: string): string[] {
  try {
    return readdirSync(dir)
      .filter((name) => name.endsWith('.json'))
      .map((name) => join(dir, name));
  } catch {
    return [];
  }
}

function processIn(path: string): ProcessIdentity | null {
  try {
    const { process: identity } = JSON.parse(readFileSync(path, 'utf8')) as { process?: ProcessIdentity };
    return identity ?? null;
  } catch {
    return null;
  }
}
