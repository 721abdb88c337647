import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface Target {
  host: string;
  port: number;
}

export const targetOf = (url: string): Target => {
  const { hostname, port } = new URL(url.replace(/^rtmp:/, 'http:'));
  return { host: hostname, port: Number(port) };
};

/** A bare connection; null when it was refused or reset at once. */
export async function openSocket({ host, port }: Target): Promise<Socket | null> {
  const socket = connect(port, host);
  try {
    await once(socket, 'connect');
  } catch {
    return null;
  }
  // Being cut off is what hostile input asks for.
  socket.on('error', () => socket.destroy());
  return socket;
}

/** Resolves true when the other side has closed it within that time (milliseconds). */
export async function closedWithin(socket: Socket, limitMs: number): Promise<boolean> {
  if (socket.destroyed) return true;
  const timeout = new AbortController();
  const closed = new Promise<boolean>((resolve) => socket.resume().once('close', () => resolve(true)));
  const late = delay(limitMs, false, { signal: timeout.signal }).catch(() => false);
  const result = await Promise.race([closed, late]);
  timeout.abort();
  return result;
}

/** Drips bytes slowly for at most that time, or until the other side has had enough. */
export async function drip(socket: Socket, bytes: Buffer, everyMs: number, limitMs: number): Promise<void> {
  const deadline = Date.now() + limitMs;
  for (const byte of bytes) {
    if (socket.destroyed || Date.now() > deadline) return;
    socket.write(Buffer.from([byte]));
    await delay(everyMs);
  }
}
