import { readdir, readFile, readlink } from 'node:fs/promises';

/** A TCP connection of a process, as the kernel sees it. */
export interface TcpConnection {
  localPort: number;
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

export const unacknowledgedBytes = (connections: readonly TcpConnection[]): number =>
  connections.reduce((sum, { unacknowledged }) => sum + unacknowledged, 0);

/** The TCP connections of a process; null where the system does not tell (anything but Linux). */
export async function tcpConnections(pid: number): Promise<TcpConnection[] | null> {
  try {
    const descriptors = await readdir(`/proc/${pid}/fd`);
    const links = await Promise.all(descriptors.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
    const inodes = new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
    return (await table(pid)).flatMap(({ inode, ...connection }) => (inodes.has(inode) ? [connection] : []));
  } catch {
    return null;
  }
}

/** The same connections now, whether their process still has them or the kernel is closing them for it. */
export async function lookAgain(connections: readonly TcpConnection[]): Promise<TcpConnection[]> {
  const isSame = (a: TcpConnection, b: TcpConnection) => a.localPort === b.localPort && a.remotePort === b.remotePort;
  return (await table('self')).filter((now) => connections.some((before) => isSame(before, now)));
}

async function table(pid: number | 'self'): Promise<(TcpConnection & { inode: string })[]> {
  const texts = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'utf8').catch(() => '')));
  return texts.flatMap((text) => text.split('\n').slice(1)).filter(Boolean).map((line) => {
    const columns = line.trim().split(/\s+/);
    const hex = (text = '0'): number => Number.parseInt(text, HEX);
    return {
      localPort: hex(columns[LOCAL]!.split(':').at(-1)),
      remotePort: hex(columns[REMOTE]!.split(':').at(-1)),
      unacknowledged: hex(columns[QUEUES]!.split(':')[0]),
      inode: columns[INODE] ?? '',
    };
  });
}
