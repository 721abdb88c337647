import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';

/** What the figures were measured on; kept with every result. */
export function describeMachine(ffmpegPath: string) {
  const [cpu] = cpus();
  const GIB = 1 << 30;
  return {
    cpu: cpu?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / GIB),
    kernel: release(),
    node: process.version,
    ffmpeg: execFileSync(ffmpegPath, ['-version'], { encoding: 'utf8' }).split('\n')[0]!.split(' ')[2]!,
  };
}
