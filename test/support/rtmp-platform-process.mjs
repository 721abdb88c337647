// @ts-check
/*
 * A platform that takes RTMP, in a process of its own so that it can be frozen or killed. Its behaviour comes as JSON in the
 * first argument (rtmp-platform.ts); what happens goes to the parent as messages.
 */
import { createWriteStream, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';

const require = createRequire(import.meta.url);
const RtmpSession = require('node-media-server/src/session/rtmp_session.js');
const Flv = require('node-media-server/src/protocol/flv.js');
const amf = require('node-media-server/src/protocol/amf.js');
require('node-media-server/src/core/logger.js').log = () => undefined;

const AUDIO = 8;
const VIDEO = 9;
const LOOPBACK = '127.0.0.1';

const options = JSON.parse(process.argv[2] ?? '{}');
const sockets = new Set();
let connections = 0;

const tell = (message) => process.send?.(message);

/** How a wrong key is answered: in words, by closing, not at all, or already at the connect command. */
const REFUSALS = {
  status: ({ rtmp, socket }) => {
    rtmp.sendStatusMessage(rtmp.streamId, 'error', 'NetStream.Publish.BadName', options.refusalText ?? 'Stream key not known');
    socket.end();
  },
  close: ({ socket }) => socket.end(),
  afterStart: ({ rtmp, socket }) => {
    rtmp.sendStatusMessage(rtmp.streamId, 'status', 'NetStream.Publish.Start', 'Publishing.');
    socket.end();
  },
  silence: () => undefined,
};

function serve(socket) {
  sockets.add(socket);
  const id = ++connections;
  const session = new RtmpSession(socket);
  const { rtmp } = session;
  const seen = { id, bytes: 0, media: 0, lastVideoMs: 0, lastAudioMs: 0, backwards: 0 };
  let file = null;
  tell({ type: 'connected', id, remotePort: socket.remotePort, serverName: socket.servername || null });

  session.onData = ((parse) => (data) => {
    seen.bytes += data.length;
    parse(data);
  })(session.onData);
  rtmp.invokeHandler = ((handle) => () => {
    const { cmd, cmdObj, streamName } = amf.decodeAmf0Cmd(rtmp.parserPacket.payload.subarray(0, rtmp.parserPacket.header.length));
    tell({ type: 'command', id, cmd, name: streamName, tcUrl: cmdObj?.tcUrl, app: cmdObj?.app });
    if (cmd === 'connect' && options.refuseConnect) {
      rtmp.sendInvokeMessage(0, {
        cmd: '_error',
        transId: 1,
        cmdObj: null,
        info: { level: 'error', code: 'NetConnection.Connect.Rejected', description: options.refuseConnect },
      });
      socket.end();
      return;
    }
    // The whole key with its query; the session's own splitting would drop that.
    if (cmd === 'publish') seen.key = streamName;
    handle.call(rtmp);
  })(rtmp.invokeHandler);
  rtmp.respondPublish = () => undefined;
  session.onConnect = () => undefined;
  session.onPush = () => {
    if (options.refuseKeys?.includes(seen.key)) return REFUSALS[options.refusal ?? 'status']({ rtmp, socket });
    rtmp.sendStatusMessage(rtmp.streamId, 'status', 'NetStream.Publish.Start', 'Publishing.');
    file = createWriteStream(join(options.dir, `${options.name}-${id}.flv`));
    file.write(Flv.createHeader(options.tracks?.audio ?? true, options.tracks?.video ?? true));
    tell({ type: 'published', id, key: seen.key });
    if (options.closeAfterSeconds) setTimeout(() => socket.destroy(), 1000 * options.closeAfterSeconds);
    return undefined;
  };
  session.onPacket = (packet) => {
    const last = packet.codec_type === VIDEO ? 'lastVideoMs' : 'lastAudioMs';
    if (packet.codec_type === VIDEO || packet.codec_type === AUDIO) {
      seen.media++;
      if (packet.dts < seen[last]) seen.backwards++;
      seen[last] = packet.dts;
    }
    // The metadata message begins with "@setDataFrame", which is no part of a file.
    const SET_DATA_FRAME_BYTES = 16;
    if (packet.codec_type !== AUDIO && packet.codec_type !== VIDEO) {
      packet.data = packet.data.subarray(SET_DATA_FRAME_BYTES);
      packet.size -= SET_DATA_FRAME_BYTES;
    }
    file?.write(Flv.createMessage(packet));
  };
  session.onOutput = (bytes) => {
    if (!socket.writableEnded) socket.write(bytes);
  };
  session.onError = () => undefined;
  session.onClose = () => {
    sockets.delete(socket);
    const closed = () => tell({ type: 'closed', ...seen });
    if (file) file.end(closed);
    else closed();
  };
  const report = setInterval(() => tell({ type: 'received', ...seen }), 100);
  socket.once('close', () => clearInterval(report));
  session.run();
}

const server = options.tls
  ? createTlsServer({ key: readFileSync(options.tls.key), cert: readFileSync(options.tls.cert) }, serve)
  : createServer(serve);
server.on('tlsClientError', () => undefined);
server.listen(options.port ?? 0, LOOPBACK, () => tell({ type: 'listening', port: server.address().port }));

process.on('message', ({ closeAll }) => {
  if (closeAll) for (const socket of sockets) socket.destroy();
});
process.on('disconnect', () => process.exit(0));
