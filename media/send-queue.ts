import { readdir, readFile, readlink } from 'node:fs/promises';

/** A TCP connection of a process, as the kernel sees it. */
export interface TcpConnection {
  remotePort: number;
  /** Bytes the process has written and the other side has not acknowledged. */
  unacknowledged: number;
}

/** Columns of /proc/net/tcp (proc_net_tcp(5) in the kernel's documentation). */
const REMOTE = 2;
const QUEUES = 4;
const INODE = 9;
const HEX = 16;

/** The TCP connections of a process; null where the system does not tell (anything but Linux). */
export async function tcpConnections(pid: number): Promise<TcpConnection[] | null> {
  try {
    const descriptors = await readdir(`/proc/${pid}/fd`);
    const links = await Promise.all(descriptors.map((fd) => readlink(`/proc/${pid}/fd/${fd}`).catch(() => '')));
    const inodes = new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
    const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readFile(`/proc/${pid}/net/${name}`, 'utf8').catch(() => '')));
    return tables.flatMap((table) => table.split('\n').slice(1).flatMap((line) => connectionOf(line, inodes)));
  } catch {
    return null;
  }
}

function connectionOf(line: string, inodes: ReadonlySet<string>): TcpConnection[] {
  const columns = line.trim().split(/\s+/);
  if (!inodes.has(columns[INODE] ?? '')) return [];
  const port = columns[REMOTE]!.split(':').at(-1)!;
  const [sending = '0'] = columns[QUEUES]!.split(':');
  return [{ remotePort: Number.parseInt(port, HEX), unacknowledged: Number.parseInt(sending, HEX) }];
}
