import { readdir, readFile, readlink } from 'node:fs/promises';

/** /proc/net/tcp, column "st": the socket listens. */
const LISTEN = '0A';
const LOCAL_ADDRESS = 1;
const STATE = 3;
const INODE = 9;

/**
 * Who listens on a TCP port, as "name (pid 123)"; null when the system does not tell: not Linux, or a process of
 * another user.
 */
export async function portHolder(port: number): Promise<string | null> {
  const inodes = (await Promise.all(['/proc/net/tcp', '/proc/net/tcp6'].map((table) => listeningInodes(table, port)))).flat();
  if (inodes.length === 0) return null;
  const wanted = new Set(inodes.map((inode) => `socket:[${inode}]`));
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    if (await holdsOneOf(pid, wanted)) return `${await nameOf(pid)} (pid ${pid})`;
  }
  return null;
}

async function listeningInodes(table: string, port: number): Promise<string[]> {
  const rows = (await readFile(table, 'utf8').catch(() => ''))
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/));
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  return rows
    .filter((row) => row[STATE] === LISTEN && row[LOCAL_ADDRESS]?.endsWith(`:${hexPort}`))
    .map((row) => row[INODE] ?? '')
    .filter((inode) => inode !== '');
}

async function holdsOneOf(pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  for (const descriptor of await readdir(folder).catch(() => [])) {
    if (sockets.has(await readlink(`${folder}/${descriptor}`).catch(() => ''))) return true;
  }
  return false;
}

/** The kernel's short name: arguments are left out, since they may hold what is not ours to show. */
const nameOf = async (pid: string): Promise<string> => (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => 'a process')).trim();
