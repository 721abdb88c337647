import { setTimeout as delay } from 'node:timers/promises';
import { endProcess } from '../process/ffmpeg-process.js';
import type { ProcessIdentity } from '../process/process-identity.js';
import { lookAgain, tcpConnections, unacknowledgedBytes } from '../process/tcp-connections.js';

const POLL_MS = 50;

/**
 * Ends a restream's ffmpeg with SIGINT, so that it takes leave of the platform (FCUnpublish, deleteStream), and sees that
 * this arrives: a frozen platform's kernel takes nothing, though ffmpeg has said it all and is gone.
 *
 * @param endInput ends what ffmpeg reads: one that waits for a programme that pauses hears SIGINT, but comes out of its
 *   reading only when there is something to read, or nothing more. May take its time; it must not throw
 * @returns false when the connection had to be cut, or the platform had not taken the end in time
 */
export async function takeLeave(process: ProcessIdentity, graceMs: number, endInput: () => Promise<void>): Promise<boolean> {
  const deadline = Date.now() + graceMs;
  const connections = tcpConnections(process.pid) ?? [];
  const [outcome] = await Promise.all([endProcess(process, graceMs), endInput()]);
  if (outcome !== 'ended') return outcome === 'gone';
  while (unacknowledgedBytes(lookAgain(connections)) > 0) {
    if (Date.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}
