import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import type { Target } from './raw-socket.js';

const LOOPBACK = '127.0.0.1';
const SECONDS = 3;
/** C0, C1 and C2 (RTMP 5.2). */
export const HANDSHAKE_BYTES = 1 + 2 * 1536;

export interface RtmpSession {
  /** Everything an encoder said, from C0 to its leave. */
  bytes: Buffer;
  /** Where its publish command ends and media begins. */
  mediaFrom: number;
}

/** What a real encoder says while it publishes for some seconds with this key, byte by byte. */
export async function recordSession(ffmpegPath: string, rtmp: Target, streamKey: string): Promise<RtmpSession> {
  const chunks: Buffer[] = [];
  const proxy = createServer((client) => {
    const server = connect(rtmp.port, rtmp.host);
    client.on('data', (data: Buffer) => {
      chunks.push(data);
      server.write(data);
    });
    server.pipe(client);
    client.on('close', () => server.destroy()).on('error', () => undefined);
    server.on('close', () => client.destroy()).on('error', () => undefined);
  }).listen(0, LOOPBACK);
  await once(proxy, 'listening');
  const { port } = proxy.address() as AddressInfo;
  const encoder = spawn(
    ffmpegPath,
    [
      '-hide_banner',
      '-loglevel',
      'error',
      '-nostdin',
      '-re',
      '-f',
      'lavfi',
      '-i',
      'testsrc2=size=160x90:rate=15',
      '-re',
      '-f',
      'lavfi',
      '-i',
      'sine',
      '-t',
      String(SECONDS),
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-pix_fmt',
      'yuv420p',
      '-g',
      '15',
      '-b:v',
      '80k',
      '-c:a',
      'aac',
      '-b:a',
      '32k',
      '-f',
      'flv',
      `rtmp://${LOOPBACK}:${port}/live/${streamKey}`,
    ],
    { stdio: 'ignore' },
  );
  await once(encoder, 'exit');
  proxy.close();
  const bytes = Buffer.concat(chunks);
  const publish = bytes.lastIndexOf('publish');
  if (publish < HANDSHAKE_BYTES) throw new Error('The session to vary could not be recorded');
  return { bytes, mediaFrom: bytes.indexOf('live', publish + 'publish'.length + streamKey.length) + 'live'.length };
}

/** The same session with a key that no stream has. */
export function withoutKey({ bytes, mediaFrom }: RtmpSession, streamKey: string): RtmpSession {
  const other = Buffer.from('x'.repeat(streamKey.length));
  const changed = Buffer.from(bytes);
  for (let at = changed.indexOf(streamKey); at >= 0; at = changed.indexOf(streamKey, at)) other.copy(changed, at);
  return { bytes: changed, mediaFrom };
}
