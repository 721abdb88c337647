import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '../launcher/ports/ports.js';

export interface Nginx {
  port: number;
  /** What it kept that it should not have, and what it left out; one sentence each. */
  findings: (media: string, track: string) => Promise<string[]>;
  stop: () => Promise<void>;
}

const PROGRAM = '/usr/sbin/nginx';
const POLL_MS = 50;
const LOOPBACK = '127.0.0.1';
/** A number no part has. */
const NO_PART = 'p999999999999.m4s';
const PROBES = 3;

/** Debian's nginx with the configuration of docs/caching.md; null where it is not installed. */
export async function startNginx(dir: string, originPort: number): Promise<Nginx | null> {
  if (!existsSync(PROGRAM)) return null;
  const port = await freePort();
  const cache = join(dir, 'cache');
  await mkdir(cache, { recursive: true });
  const config = join(dir, 'nginx.conf');
  await writeFile(config, await configuration(dir, cache, port, originPort));
  const child = spawn(PROGRAM, ['-c', config, '-p', dir], { stdio: ['ignore', 'ignore', 'inherit'] });
  const base = `http://${LOOPBACK}:${port}`;
  while (!(await fetch(base).catch(() => null))) {
    if (child.exitCode !== null) throw new Error('nginx does not take the configuration of docs/caching.md');
    await delay(POLL_MS);
  }
  return {
    port,
    findings: (media, track) => check(base, `${media}${track}/`, cache),
    stop: async () => {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

/** What stands in the page, but for the certificate and the places of this run. */
async function configuration(dir: string, cache: string, port: number, originPort: number): Promise<string> {
  const page = await readFile(join(process.cwd(), 'docs', 'caching.md'), 'utf8');
  const written = /```nginx\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  const server = written
    .replace('/var/cache/nginx/holdfast', cache)
    .replace('127.0.0.1:8888', `${LOOPBACK}:${originPort}`)
    .replace('listen 443 ssl http2;', `listen ${LOOPBACK}:${port} backlog=4096;`)
    .replace(/^ *ssl_certificate.*\n/gm, '');
  // As root it would give its workers away to a user who may not see this folder.
  const user = process.getuid?.() === 0 ? 'user root;\n' : '';
  return `${user}daemon off;\nworker_processes 1;\nworker_rlimit_nofile 16384;\npid ${join(dir, 'nginx.pid')};\nerror_log stderr crit;
events { worker_connections 8192; }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${join(dir, name)};`).join('\n  ')}
${server}}
`;
}

async function check(base: string, folder: string, cache: string): Promise<string[]> {
  const findings: string[] = [];
  for (let probe = 0; probe < PROBES; probe++) {
    const missing = await fetch(`${base}${folder}${NO_PART}`);
    if (missing.headers.get('x-cache') === 'HIT') findings.push('an error was kept');
    if (missing.headers.get('access-control-allow-origin') !== '*') findings.push('an error came without CORS');
  }
  const playlist = await fetch(`${base}${folder}index.m3u8?_HLS_msn=0`, { headers: { 'accept-encoding': 'gzip' } });
  for (const [name, wanted] of [
    ['vary', 'Accept-Encoding'],
    ['content-encoding', 'gzip'],
    ['access-control-allow-origin', '*'],
  ] as const) {
    if (playlist.headers.get(name) !== wanted) findings.push(`a playlist came without ${name}: ${wanted}`);
  }
  const segment = (await playlist.text()).match(/^\d+\.m4s$/gm)?.at(-1) ?? '';
  const cached = [];
  for (let probe = 0; probe < PROBES; probe++) {
    const answer = await fetch(`${base}${folder}${segment}?viewer=${probe}`);
    await answer.arrayBuffer();
    cached.push(answer.headers.get('x-cache'));
  }
  if (cached.slice(1).some((state) => state !== 'HIT')) findings.push(`a segment was asked for again: ${cached.join(', ')}`);
  const keys = await keysOf(cache);
  const withQuery = keys.filter((key) => key.includes('?'));
  if (keys.length === 0) findings.push('nothing was kept');
  if (withQuery.length > 0) findings.push(`${withQuery.length} of ${keys.length} entries have a query in their key`);
  if (new Set(keys).size < keys.length) findings.push('something was kept twice');
  return findings.length > 0 ? findings : [`${keys.length} entries for ${keys.length} files; no error kept; gzip, Vary and CORS there`];
}

/** nginx writes the key into each file it keeps. */
async function keysOf(cache: string): Promise<string[]> {
  const files = (await readdir(cache, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const texts = await Promise.all(files.map((file) => readFile(join(file.path, file.name), 'latin1').catch(() => '')));
  return texts.flatMap((text) => /\nKEY: (.*)\n/.exec(text)?.[1] ?? []);
}
