import { setTimeout as delay } from 'node:timers/promises';
import { isPrivateAddress } from '../../domain/private-address.js';
import { CONNECT_LIMIT_MS } from '../../domain/restream-liveness.js';
import { endProcess } from '../process/ffmpeg-process.js';
import { isRunning, type ProcessIdentity } from '../process/process-identity.js';
import { tcpConnections } from '../process/tcp-connections.js';
import { readProgress } from './restream-progress.js';

/** Short beside the time a handshake takes: what waits for an answer is seen, and is cut before one could be told from none. */
const LOOK_MS = 25;

export interface GuardedProcess {
  process: ProcessIdentity;
  progressPath: string;
  /** Of the ingest on this machine, which it may well connect to. */
  programmePort: number;
}

/**
 * Ends an ffmpeg that looks a name up itself as soon as it connects to a private address, until it sends: then the platform
 * has shown a certificate of its name. Linux only; elsewhere nobody sees.
 *
 * @returns true when it was ended
 */
export async function guardAddress({ process: guarded, progressPath, programmePort }: GuardedProcess): Promise<boolean> {
  const deadline = performance.now() + CONNECT_LIMIT_MS;
  while (performance.now() < deadline && isRunning(guarded) && (readProgress(progressPath)?.bytes ?? 0) === 0) {
    const others = (tcpConnections(guarded.pid) ?? []).filter(({ remotePort }) => remotePort !== programmePort);
    if (others.some(({ remoteAddress }) => isPrivateAddress(remoteAddress))) {
      await endProcess(guarded, 0);
      return true;
    }
    await delay(LOOK_MS);
  }
  return false;
}
