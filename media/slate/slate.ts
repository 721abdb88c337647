import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { HoldfastError } from '../../domain/errors.js';
import type { SourceLayout } from '../../domain/source.js';
import { slateArguments } from '../ffmpeg/slate-command.js';
import { type SlateLayout, slateLayoutOf, slateName } from './slate-layout.js';

export interface SlateRequest {
  /** Where slates are kept: the ingest reads them from there. */
  dir: string;
  ffmpegPath: string;
  source: SourceLayout;
}

/** Rendered in advance, so that no machine needs fonts. */
const PICTURE_PATH = fileURLToPath(new URL('./assets/slate.png', import.meta.url));
/** 4K HEVC on a busy machine takes some seconds. */
const MAKE_TIMEOUT_MS = 60_000;

/** Slates being made now, by path: callers that come meanwhile wait for the same. */
const making = new Map<string, Promise<void>>();

/**
 * Makes the slate that fits a source, once: what is shown on restreams while the encoder is away.
 *
 * @returns its name for `?slate=NAME` (domain/contracts/ingest-control.ts), or null when there can be none for such a source
 * @throws HoldfastError `encoder_failed` with ffmpeg's last words
 */
export async function ensureSlate({ dir, ffmpegPath, source }: SlateRequest): Promise<string | null> {
  const layout = slateLayoutOf(source);
  if (!layout) return null;
  const name = slateName(layout);
  const path = join(dir, `${name}.flv`);
  if (await exists(path)) return name;
  const made = making.get(path) ?? make(ffmpegPath, layout, path).finally(() => making.delete(path));
  making.set(path, made);
  await made;
  return name;
}

async function make(ffmpegPath: string, layout: SlateLayout, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  // Another process may make the same: each writes a file of its own, and the last rename wins.
  const outputPath = `${path}.${randomUUID()}.tmp`;
  const args = slateArguments({ picturePath: PICTURE_PATH, layout, outputPath });
  try {
    await promisify(execFile)(ffmpegPath, args, { timeout: MAKE_TIMEOUT_MS });
    await rename(outputPath, path);
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    const words = (stderr || message).trim().split('\n').slice(-2).join(' ');
    throw new HoldfastError('encoder_failed', `The slate could not be made: ${words}`, {}, { cause: error });
  } finally {
    await rm(outputPath, { force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
