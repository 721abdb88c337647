import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

/** How often the page asks for a playlist that is not there yet; Holdfast's own page is told instead. */
const ASK_AGAIN_MS = 100;
const HTTP_NOT_FOUND = 404;

/**
 * A plain page with hls.js in the version of Holdfast's player and a catch-up rate, for servers that come without a good
 * page. It names its player as Holdfast's page does, so that the same probes read both.
 */
const PAGE = `<!doctype html><meta charset="utf-8"><title>peer</title><link rel="icon" href="data:,">
<video muted autoplay playsinline style="width:100%"></video>
<script src="/hls.js"></script>
<script>
  const video = document.querySelector('video');
  const hls = new Hls({ lowLatencyMode: true, maxLiveSyncPlaybackRate: 1.25 });
  window.holdfastPlayer = { video, hls };
  const url = new URLSearchParams(location.search).get('url');
  const ask = async () => {
    const answer = await fetch(url).catch(() => null);
    const text = answer?.ok ? await answer.text() : '';
    if (!/#EXT-X-STREAM-INF|#EXTINF/.test(text)) return setTimeout(ask, ${ASK_AGAIN_MS});
    hls.loadSource(url);
    hls.attachMedia(video);
  };
  ask();
</script>`;

export interface PeerPage {
  /** Address of the page that plays this HLS. */
  urlOf: (hlsUrl: string) => string;
  stop: () => Promise<void>;
}

export async function servePeerPage(): Promise<PeerPage> {
  const script = await readFile(fileURLToPath(import.meta.resolve('hls.js/dist/hls.min.js')));
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname === '/hls.js') response.setHeader('content-type', 'text/javascript').end(script);
    else if (pathname === '/') response.setHeader('content-type', 'text/html').end(PAGE);
    else response.writeHead(HTTP_NOT_FOUND).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    urlOf: (hlsUrl) => `http://127.0.0.1:${port}/?url=${encodeURIComponent(hlsUrl)}`,
    stop: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}
