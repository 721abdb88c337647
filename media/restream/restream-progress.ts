import { closeSync, fstatSync, openSync, readSync, truncateSync } from 'node:fs';

/** What ffmpeg last said of itself (`-progress`). */
export interface RestreamReport {
  /** Bytes of media written to the platform's connection, what its buffers hold included. */
  bytes: number;
  mediaSeconds: number;
  /** Grows with every report. */
  position: number;
}

/** Longer than one report. */
const TAIL_BYTES = 2048;
/** Reports make 20 MB a day; what was read long ago is given back to the disk. */
const MAX_DISK_BYTES = 1 << 20;
const BLOCK_BYTES = 512;
const MICROSECONDS = 1e6;

/** The newest report; null before the first. */
export function readProgress(path: string): RestreamReport | null {
  const file = openIfThere(path);
  if (file === null) return null;
  try {
    const { size, blocks } = fstatSync(file);
    const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES));
    readSync(file, buffer, 0, buffer.length, size - buffer.length);
    // ffmpeg goes on writing where it was: the file keeps its length, with a hole in place of what is gone.
    if (blocks * BLOCK_BYTES > MAX_DISK_BYTES) truncateSync(path, 0);
    return parseProgress(buffer.toString('latin1'), size);
  } finally {
    closeSync(file);
  }
}

function openIfThere(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Lines of `key=value`; numbers ffmpeg does not know yet are `N/A`. */
function parseProgress(text: string, position: number): RestreamReport | null {
  const last = (key: string): number | null => {
    const values = [...text.matchAll(new RegExp(`^${key}=\\s*(-?\\d+)$`, 'gm'))];
    return values.length > 0 ? Number(values.at(-1)![1]) : null;
  };
  const bytes = last('total_size');
  const time = last('out_time_us');
  return bytes === null ? null : { bytes, mediaSeconds: Math.max(0, (time ?? 0) / MICROSECONDS), position };
}
