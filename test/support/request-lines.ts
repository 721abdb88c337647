import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';

/** Request lines no browser sends: each is an answer or a closed connection, never the end of a process. */
export const ODD_REQUEST_LINES = [
  'GET // HTTP/1.1',
  'GET //// HTTP/1.1',
  'GET http://[ HTTP/1.1',
  'GET http:// HTTP/1.1',
  'GET http://%zz/ HTTP/1.1',
  'GET http://a:99999/publishers HTTP/1.1',
  'GET //[/publishers HTTP/1.1',
  'GET ? HTTP/1.1',
  'GET /? HTTP/1.1',
  'GET /%E0%A4%A HTTP/1.1',
  'GET /publishers/%ff HTTP/1.1',
  'GET /relay/%ff.flv?start=%ff HTTP/1.1',
  'PUT /broadcasts/%ff HTTP/1.1',
  'GET /v1/streams/%ff HTTP/1.1',
  'GET /\\..\\ HTTP/1.1',
  'GET * HTTP/1.1',
  'OPTIONS * HTTP/1.1',
  'CONNECT [:1 HTTP/1.1',
  'GET /\u0000 HTTP/1.1',
  'GET /publishers?%=%&=& HTTP/1.1',
];

/** Sends one request exactly as it is written; what was answered until the end of the connection, perhaps nothing. */
export async function rawRequest(port: number, requestLine: string, headers: Record<string, string> = {}): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const lines = Object.entries({ host: `127.0.0.1:${port}`, connection: 'close', ...headers }).map(([name, value]) => `${name}: ${value}`);
  socket.write(`${[requestLine, ...lines].join('\r\n')}\r\n\r\n`, 'latin1');
  return text(socket).catch(() => '');
}
