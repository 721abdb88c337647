import { readEnvironment } from '../../platform/config/env.js';
import { ensureToolchain } from '../launcher/toolchain/toolchain.js';
import { asksForHelp } from '../options.js';
import { type BenchArguments, readArguments, USAGE } from './arguments.js';
import { runConformanceBench } from './conformance-bench.js';
import { runLadderBench } from './ladder-bench.js';
import { runLatencyBench } from './latency-bench.js';
import { runPeersBench } from './peers-bench.js';
import { runRestreamBench } from './restream-bench.js';
import { runSoakBench } from './soak-bench.js';
import { runSwitchingBench } from './switching-bench.js';
import { runViewersBench } from './viewers-bench.js';

function argumentsOrExit(args: readonly string[]): BenchArguments {
  if (asksForHelp(args)) {
    console.log(USAGE);
    return process.exit(0);
  }
  try {
    return readArguments(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return process.exit(2);
  }
}

/** @returns whether what the bench looked at was as it should be; benches that only measure are always content */
async function runBench(bench: BenchArguments, ffmpegPath: string): Promise<boolean> {
  const chromiumPath = process.env.CHROMIUM || '/usr/bin/chromium';
  switch (bench.name) {
    case 'ladder':
      await runLadderBench({ ...bench, ffmpegPath });
      return true;
    case 'restream':
      await runRestreamBench({ ...bench, ffmpegPath });
      return true;
    case 'conformance':
      return runConformanceBench({ ...bench, ffmpegPath });
    case 'viewers':
      await runViewersBench({ ...bench, ffmpegPath, partDuration: bench.parts[0]!, heldPartDuration: bench['held-parts'][0]! });
      return true;
    case 'peers':
      await runPeersBench({
        ...bench,
        ffmpegPath,
        chromiumPath,
        partDuration: bench.parts[0]!,
        mediamtxPath: process.env.MEDIAMTX_BIN || undefined,
      });
      return true;
    case 'latency':
      await runLatencyBench({ ...bench, ffmpegPath, chromiumPath, partDurations: bench.parts });
      return true;
    case 'switching':
      await runSwitchingBench({ ...bench, ffmpegPath, chromiumPath, partDuration: bench.parts[0]! });
      return true;
    case 'soak':
      await runSoakBench({ ...bench, ffmpegPath, chromiumPath, partDuration: bench.parts[0]! });
      return true;
  }
}

const bench = argumentsOrExit(process.argv.slice(2));
const { HOLDFAST_CACHE_DIR: cacheDir } = readEnvironment();
const { ffmpeg } = await ensureToolchain(['ffmpeg'], { cacheDir, env: process.env, onProgress: console.log });
process.env.HOLDFAST_FFMPEG = ffmpeg;
process.exit((await runBench(bench, ffmpeg)) ? 0 : 1);
