import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../launcher/ports/ports.js';

/** Another server that takes RTMP and gives HLS, for the same publisher and the same browser. */
export interface PeerServer {
  /** Where the n-th stream is published to. */
  rtmpUrl: (stream: number) => string;
  hlsUrl: (stream: number) => string;
  stop: () => Promise<void>;
}

export interface Peer {
  name: string;
  start: (dir: string) => Promise<PeerServer>;
}

const LOOPBACK = '127.0.0.1';
const NGINX = '/usr/sbin/nginx';
/** Debian's libnginx-mod-rtmp. */
const RTMP_MODULE = '/usr/lib/nginx/modules/ngx_rtmp_module.so';
const POLL_MS = 50;
const START_LIMIT_MS = 10_000;

/** The peers this machine has, and one sentence for each that it has not. @param mediamtx path of its program (MEDIAMTX_BIN) */
export function findPeers(mediamtx: string | undefined): { peers: Peer[]; missing: string[] } {
  const peers: Peer[] = [];
  const missing: string[] = [];
  if (existsSync(NGINX) && existsSync(RTMP_MODULE)) peers.push({ name: 'nginx-rtmp, 2 s fragments', start: startNginxRtmp });
  else missing.push('nginx-rtmp is not installed (apt-get install nginx-light libnginx-mod-rtmp)');
  if (mediamtx) peers.push({ name: 'MediaMTX, LL-HLS, 0.2 s parts', start: (dir) => startMediaMtx(mediamtx, dir) });
  else missing.push('MEDIAMTX_BIN does not name a MediaMTX');
  return { peers, missing };
}

/** Fragments of 2 s: the publisher's GOP, below which it cannot cut. */
async function startNginxRtmp(dir: string): Promise<PeerServer> {
  const [rtmp, http] = [await freePort(), await freePort()];
  const media = join(dir, 'media');
  await mkdir(media, { recursive: true });
  // As root it would give its workers away to a user who may not write to this folder.
  const user = process.getuid?.() === 0 ? 'user root;\n' : '';
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${join(dir, name)};`).join(' ');
  const config = join(dir, 'nginx.conf');
  await writeFile(
    config,
    `load_module ${RTMP_MODULE};
${user}daemon off;
worker_processes 1;
pid ${join(dir, 'nginx.pid')};
error_log stderr crit;
events { worker_connections 1024; }
rtmp {
  server {
    listen ${LOOPBACK}:${rtmp}; access_log off;
    application live { live on; hls on; hls_path ${media}; hls_fragment 2s; hls_playlist_length 12s; }
  }
}
http {
  access_log off; ${temporary}
  types { application/vnd.apple.mpegurl m3u8; video/mp2t ts; }
  server {
    listen ${LOOPBACK}:${http};
    location / { root ${media}; add_header Access-Control-Allow-Origin * always; add_header Cache-Control no-cache; }
  }
}
`,
  );
  const child = spawn(NGINX, ['-c', config, '-p', dir], { stdio: ['ignore', 'ignore', 'inherit'] });
  await listens(child, rtmp);
  return {
    rtmpUrl: (stream) => `rtmp://${LOOPBACK}:${rtmp}/live/bench${stream}`,
    hlsUrl: (stream) => `http://${LOOPBACK}:${http}/bench${stream}.m3u8`,
    stop: () => end(child),
  };
}

/** Its defaults for low latency; the muxer runs from the publish on, as Holdfast's does, not from the first viewer. */
async function startMediaMtx(program: string, dir: string): Promise<PeerServer> {
  const [rtmp, http] = [await freePort(), await freePort()];
  await mkdir(dir, { recursive: true });
  const config = join(dir, 'mediamtx.yml');
  await writeFile(
    config,
    `logLevel: error
rtsp: false
webrtc: false
srt: false
moq: false
rtmp: true
rtmpAddress: ${LOOPBACK}:${rtmp}
hls: true
hlsAddress: ${LOOPBACK}:${http}
hlsVariant: lowLatency
hlsAlwaysRemux: true
hlsPartDuration: 200ms
paths:
  all_others:
`,
  );
  const child = spawn(program, [config], { stdio: ['ignore', 'inherit', 'inherit'] });
  await listens(child, rtmp);
  return {
    rtmpUrl: (stream) => `rtmp://${LOOPBACK}:${rtmp}/bench${stream}`,
    hlsUrl: (stream) => `http://${LOOPBACK}:${http}/bench${stream}/index.m3u8`,
    stop: () => end(child),
  };
}

async function listens(child: ChildProcess, port: number): Promise<void> {
  const limit = Date.now() + START_LIMIT_MS;
  for (;;) {
    const socket = connect(port, LOOPBACK);
    const isOpen = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'error').then(() => false)]).catch(
      () => false,
    );
    socket.destroy();
    if (isOpen) return;
    if (child.exitCode !== null || Date.now() > limit) {
      await end(child);
      throw new Error(`${child.spawnfile} does not listen on port ${port}`);
    }
    await delay(POLL_MS);
  }
}

async function end(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
