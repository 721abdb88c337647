import { readEnvironment } from '../../platform/config/env.js';
import { ensureToolchain } from '../launcher/toolchain/toolchain.js';
import { runConformanceBench } from './conformance-bench.js';
import { runLadderBench } from './ladder-bench.js';
import { runLatencyBench } from './latency-bench.js';
import { runPeersBench } from './peers-bench.js';
import { runRestreamBench } from './restream-bench.js';
import { runSoakBench } from './soak-bench.js';
import { runSwitchingBench } from './switching-bench.js';
import { runViewersBench } from './viewers-bench.js';

const USAGE = `npm run bench -- ladder [--seconds 60] [--runs 1] [--passthrough]
npm run bench -- latency [--seconds 60] [--runs 5] [--parts 0.333,0.2]
npm run bench -- peers [--seconds 30] [--runs 5] [--parts 0.2]
npm run bench -- soak [--minutes 30] [--parts 0.333]
npm run bench -- switching [--seconds 60] [--runs 2] [--parts 0.333]
npm run bench -- restream [--seconds 60] [--runs 1]
npm run bench -- viewers [--seconds 30] [--viewers 600] [--held 5000] [--parts 0.2] [--held-parts 0.333] [--processes 2] [--h2]
npm run bench -- conformance [--minutes 10] [--passthrough]

  ladder   CPU seconds of the media host for a 720p30 stream with three rungs, against bare ffmpeg making the same;
           with --passthrough the same stream once more, its largest rung copied
  latency  publish to first picture, and glass to glass by a clock in the pixels, in Chromium (CHROMIUM names it)
  peers    the same beside nginx-rtmp (Debian's) and MediaMTX (MEDIAMTX_BIN names it), with ratios
  soak     the same picture watched for long: stalls, drift of the distance from the encoder, memory of the origin
  switching  renditions a player takes when its network becomes slow and fast again, and its stalls
  restream CPU seconds of one copying restream at 3 Mbit/s, against bare ffmpeg -c copy
  viewers  CPU of the origin per viewer-second and lateness of parts; publish to received of held playlist requests;
           with --h2 the first of these over HTTP/2 and TLS; with --processes from so many viewer processes
  conformance  every playlist followed by a checker that remembers, and by hls-parser in strict mode, through an encoder
           that is killed and a publisher that is away; fails with what it finds; --passthrough: of a copied source`;

const option = (args: readonly string[], name: string, fallback: number): number => {
  const index = args.indexOf(`--${name}`);
  const value = index < 0 ? fallback : Number(args[index + 1]);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} takes a whole number from 1\n\n${USAGE}`);
  return value;
};

const partsOf = (args: readonly string[], name = 'parts'): string[] | null => {
  const index = args.indexOf(`--${name}`);
  return index < 0 ? null : (args[index + 1] ?? '').split(',');
};

const [bench, ...args] = process.argv.slice(2);
const BENCHES = ['ladder', 'latency', 'peers', 'soak', 'switching', 'restream', 'viewers', 'conformance'];
if (!BENCHES.includes(bench ?? '')) {
  console.error(USAGE);
  process.exit(bench === '--help' ? 0 : 2);
}
const { HOLDFAST_CACHE_DIR: cacheDir } = readEnvironment();
const { ffmpeg } = await ensureToolchain(['ffmpeg'], { cacheDir, env: process.env, onProgress: console.log });
process.env.HOLDFAST_FFMPEG = ffmpeg;
const common = { ffmpegPath: ffmpeg, seconds: option(args, 'seconds', 60) };
if (bench === 'ladder') {
  await runLadderBench({ ...common, runs: option(args, 'runs', 1), passthrough: args.includes('--passthrough') });
} else if (bench === 'restream') {
  await runRestreamBench({ ...common, runs: option(args, 'runs', 1) });
} else if (bench === 'conformance') {
  process.exitCode = (await runConformanceBench({
    ffmpegPath: ffmpeg,
    minutes: option(args, 'minutes', 10),
    passthrough: args.includes('--passthrough'),
  }))
    ? 0
    : 1;
} else if (bench === 'viewers') {
  const load = { viewers: option(args, 'viewers', 600), held: option(args, 'held', 5000) };
  const parts = { partDuration: partsOf(args)?.[0] ?? '0.2', heldPartDuration: partsOf(args, 'held-parts')?.[0] ?? '0.333' };
  await runViewersBench({
    ...common,
    ...load,
    ...parts,
    seconds: option(args, 'seconds', 30),
    h2: args.includes('--h2'),
    processes: args.includes('--processes') ? option(args, 'processes', 2) : 0,
  });
} else {
  const given = partsOf(args);
  const chromiumPath = process.env.CHROMIUM || '/usr/bin/chromium';
  // The default and the fastest profile.
  if (bench === 'peers') {
    const peers = { runs: option(args, 'runs', 5), seconds: option(args, 'seconds', 30), partDuration: given?.[0] ?? '0.2' };
    await runPeersBench({ ...common, ...peers, chromiumPath, mediamtxPath: process.env.MEDIAMTX_BIN || undefined });
  } else if (bench === 'latency')
    await runLatencyBench({ ...common, runs: option(args, 'runs', 5), partDurations: given ?? ['0.333', '0.2'], chromiumPath });
  else if (bench === 'switching') {
    await runSwitchingBench({ ...common, runs: option(args, 'runs', 2), partDuration: given?.[0] ?? '0.333', chromiumPath });
  } else
    await runSoakBench({ ffmpegPath: ffmpeg, chromiumPath, minutes: option(args, 'minutes', 30), partDuration: given?.[0] ?? '0.333' });
}
process.exit();
