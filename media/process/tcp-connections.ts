import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A TCP connection of a process, as the kernel sees it. */
export interface TcpConnection {
  localPort: number;
  /** IPv6 with all its groups. */
  remoteAddress: string;
  remotePort: number;
  /** Bytes the process has written and the other side has not acknowledged. */
  unacknowledged: number;
}

/** Columns of /proc/net/tcp (proc_net_tcp in the kernel's documentation). */
const LOCAL = 1;
const REMOTE = 2;
const QUEUES = 4;
const INODE = 9;
const HEX = 16;
const IPV4_BYTES = 4;

export const unacknowledgedBytes = (connections: readonly TcpConnection[]): number =>
  connections.reduce((sum, { unacknowledged }) => sum + unacknowledged, 0);

/**
 * The TCP connections of a process; null where the system does not tell (anything but Linux). Read at once, not
 * asynchronously: /proc never waits, and the many small reads would cost ten times as much.
 */
export function tcpConnections(pid: number): TcpConnection[] | null {
  try {
    const links = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkIfOpen(`/proc/${pid}/fd/${fd}`));
    const inodes = new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
    return table(pid).flatMap(({ inode, ...connection }) => (inodes.has(inode) ? [connection] : []));
  } catch {
    return null;
  }
}

/** The same connections now, whether their process still has them or the kernel is closing them for it. */
export function lookAgain(connections: readonly TcpConnection[]): TcpConnection[] {
  const isSame = (a: TcpConnection, b: TcpConnection) => a.localPort === b.localPort && a.remotePort === b.remotePort;
  return table('self').filter((now) => connections.some((before) => isSame(before, now)));
}

function table(pid: number | 'self'): (TcpConnection & { inode: string })[] {
  const text = ['tcp', 'tcp6'].map((name) => readIfThere(`/proc/${pid}/net/${name}`)).join('');
  // The header lines begin with "sl".
  return text
    .split('\n')
    .filter((line) => line.includes(':') && !line.includes('sl'))
    .map((line) => {
      const columns = line.trim().split(/\s+/);
      const hex = (text = '0'): number => Number.parseInt(text, HEX);
      return {
        localPort: hex(columns[LOCAL]!.split(':').at(-1)),
        remoteAddress: addressOf(columns[REMOTE]!.split(':')[0]!),
        remotePort: hex(columns[REMOTE]!.split(':').at(-1)),
        unacknowledged: hex(columns[QUEUES]!.split(':')[0]),
        inode: columns[INODE] ?? '',
      };
    });
}

/** Words of 32 bits as the machine has them in memory; all that Node.js runs on have the lowest byte first. */
function addressOf(words: string): string {
  const bytes = words.match(/.{8}/g)!.flatMap((word) => word.match(/../g)!.reverse());
  if (bytes.length === IPV4_BYTES) return bytes.map((byte) => Number.parseInt(byte, HEX)).join('.');
  return bytes.join('').match(/.{4}/g)!.join(':');
}

/** A descriptor may be closed while we look. */
function readlinkIfOpen(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** There is no tcp6 without IPv6. */
function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
