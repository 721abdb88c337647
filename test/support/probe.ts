import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ffprobePath } from './toolchain.js';

export interface ProbedPacket {
  codec_type: 'video' | 'audio';
  /** `K` first for a keyframe. */
  flags: string;
  dts_time: string;
  pts_time: string;
}

export interface Probed {
  streams: (Record<string, unknown> & { codec_type: 'video' | 'audio' })[];
  packets: ProbedPacket[];
}

/** Everything ffprobe says about a file's streams and packets. */
export async function probe(path: string): Promise<Probed> {
  const args = ['-v', 'error', '-print_format', 'json', '-show_streams', '-show_packets', path];
  const { stdout } = await promisify(execFile)(ffprobePath(), args, { maxBuffer: 64 * 1024 * 1024 });
  return JSON.parse(stdout) as Probed;
}
