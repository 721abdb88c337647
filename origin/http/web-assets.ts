import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { cacheControl } from './cache-control.js';

export interface WebAsset {
  type: string;
  bytes: Buffer;
  headers: Record<string, string>;
}

export interface WebAssets {
  player: WebAsset;
  /** null = there is no such file. */
  named(name: string): WebAsset | null;
}

/**
 * The page may be embedded anywhere but loads nothing from anywhere else. `blob:` is what MediaSource and hls.js's
 * worker use.
 */
const PLAYER_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "media-src 'self' blob:",
  'worker-src blob:',
  'frame-ancestors *',
].join('; ');

const SCRIPTS = [
  'player.js',
  'controls.js',
  'messages.js',
  'live-distance.js',
  'catch-up.js',
  'buffered.js',
  'clock.js',
  'quality.js',
  'slow-network.js',
];

const version = (packageJson: string): string => (JSON.parse(packageJson) as { version: string }).version;

/** Reads the player page and hls.js once. @param webDir the folder with player.html, player.css and the page's scripts */
export async function loadWebAssets(webDir: string): Promise<WebAssets> {
  const hlsDist = dirname(createRequire(import.meta.url).resolve('hls.js'));
  const hlsName = `hls-${version(await readFile(join(hlsDist, '..', 'package.json'), 'utf8'))}.min.js`;
  const page = await readFile(join(webDir, 'player.html'), 'utf8');
  const script = 'text/javascript; charset=utf-8';
  const files: [string, string, string | Buffer][] = [
    ['player.css', 'text/css; charset=utf-8', await readFile(join(webDir, 'player.css'))],
    ...(await Promise.all(
      SCRIPTS.map(async (name): Promise<[string, string, Buffer]> => [name, script, await readFile(join(webDir, name))]),
    )),
    [hlsName, script, await readFile(join(hlsDist, 'hls.min.js'))],
  ];
  const assets = new Map(files.map(([name, type, bytes]) => [name, asset(type, bytes, 'asset')]));
  const player = asset('text/html; charset=utf-8', page.replaceAll('{{hls}}', `../assets/${hlsName}`), 'page');
  player.headers['content-security-policy'] = PLAYER_POLICY;
  return { player, named: (name) => assets.get(name) ?? null };
}

function asset(type: string, content: string | Buffer, freshness: 'asset' | 'page'): WebAsset {
  const headers = { 'cache-control': cacheControl(freshness, false), 'x-content-type-options': 'nosniff' };
  return { type, bytes: Buffer.from(content), headers };
}
