import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { LauncherError } from '../launcher-error.js';
import { portHolder } from './port-holder.js';

/** A port one of our processes will listen on, and the variable that moves it. */
export interface NeededPort {
  variable: string;
  host: string;
  port: number;
  /** Who listens there, in words. */
  purpose: string;
}

/** null = free; else the reason (EADDRINUSE, EACCES, EADDRNOTAVAIL …). */
function reasonNotFree(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

/**
 * Checks all of them at once, before anything is started.
 *
 * @throws LauncherError that names every taken port, its variable and, where the system tells, who holds it
 */
export async function checkPortsFree(ports: readonly NeededPort[]): Promise<void> {
  const problems = [...sameTwice(ports), ...(await Promise.all(ports.map(problemWith))).filter((problem) => problem !== null)];
  if (problems.length > 0) throw new LauncherError(problems.join('\n'));
}

function sameTwice(ports: readonly NeededPort[]): string[] {
  return ports.flatMap((one, index) =>
    ports
      .slice(0, index)
      .filter((other) => other.port === one.port)
      .map((other) => `${one.variable} and ${other.variable} are both ${one.port}: give each a port of its own.`),
  );
}

async function problemWith({ variable, host, port, purpose }: NeededPort): Promise<string | null> {
  const reason = await reasonNotFree(host, port);
  switch (reason) {
    case null:
      return null;
    case 'EADDRINUSE': {
      const holder = await portHolder(port);
      const who = holder ? `by ${holder}` : 'by another program';
      return `Port ${port} (${purpose}) is taken ${who}. Stop that, or set ${variable} to a free port.`;
    }
    case 'EACCES':
      return `Port ${port} (${purpose}) may not be used by this user. Set ${variable} to a port above 1023.`;
    case 'EADDRNOTAVAIL':
      return `${host} is no address of this machine, so port ${port} (${purpose}) cannot be opened. ` + 'Set HOLDFAST_BIND to one that is.';
    default:
      return `Port ${port} (${purpose}) cannot be opened: ${reason}. ${variable} sets another one.`;
  }
}

/**
 * Below the ports that systems give to outgoing connections (Linux: 32768 and up, ip(7); IANA: 49152 and up): one of those
 * may be somebody's by the time its process listens. No browser refuses any of these.
 */
const FREE_FROM = 20_000;
const FREE_BELOW = 32_000;
const FREE_TRIES = 100;
const given = new Set<number>();

/** A port of the loopback interface that nobody listens on now, and that this process has not been given before. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < FREE_TRIES; tries++) {
    const port = randomInt(FREE_FROM, FREE_BELOW);
    if (given.has(port)) continue;
    given.add(port);
    if ((await reasonNotFree('127.0.0.1', port)) === null) return port;
  }
  throw new Error(`No free port was found from ${FREE_FROM} to ${FREE_BELOW}`);
}
