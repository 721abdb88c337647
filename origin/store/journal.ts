import { open, readFile, truncate, type FileHandle } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Disk } from './disk.js';
import { History } from './history.js';
import type { JournalLine, OpenLine } from './journal-lines.js';

/** Appends lines to a broadcast's journal. One line is one write; the caller keeps their order. */
export class Journal {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #disk: Disk;
  /** A failed append may have left half a line. */
  #torn = false;

  private constructor(file: FileHandle, path: string, disk: Disk) {
    this.#file = file;
    this.#path = path;
    this.#disk = disk;
  }

  static async open(path: string, disk: Disk): Promise<Journal> {
    return new Journal(await open(path, 'a'), path, disk);
  }

  async append(...lines: JournalLine[]): Promise<void> {
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    try {
      await this.#disk.append(this.#file, this.#path, this.#torn ? `\n${text}` : text);
      this.#torn = false;
    } catch (error) {
      this.#torn = true;
      throw error;
    }
  }

  /** Everything that was appended survives the loss of power. */
  async sync(): Promise<void> {
    await this.#disk.sync(this.#path);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/** Lines that are read in one go: a day of a broadcast has a hundred thousand, and live viewers wait meanwhile. */
const LINES_AT_ONCE = 2000;

/**
 * Reads a journal; null when there is none or it does not begin with an `open` line. A last line that was cut off by a
 * crash is taken off the file, so that the next append begins on a line of its own.
 */
export async function readJournal(path: string): Promise<History | null> {
  const text = await readText(path);
  if (text === null) return null;
  const complete = text.slice(0, text.lastIndexOf('\n') + 1);
  if (complete.length < text.length) await truncate(path, Buffer.byteLength(complete));
  const lines = complete.split('\n');
  const first = parseLine(lines[0]!);
  if (first?.type !== 'open') return null;
  const history = new History(first);
  for (let index = 1; index < lines.length; index++) {
    const line = parseLine(lines[index]!);
    if (line) history.apply(line);
    if (index % LINES_AT_ONCE === 0) await nextTurn();
  }
  return history;
}

/** Bytes at either end of a journal that are read to know what it is of. */
const END_BYTES = 4096;

/** Of a journal only how it begins, and whether it seems to be over; null when it is none. */
export async function readJournalEnds(path: string): Promise<{ open: OpenLine; ended: boolean } | null> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ENOTDIR') return null;
    throw error;
  });
  if (!file) return null;
  try {
    const { size } = await file.stat();
    const read = async (from: number): Promise<string[]> => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(END_BYTES), 0, END_BYTES, from);
      return buffer.toString('utf8', 0, bytesRead).split('\n');
    };
    const first = parseLine((await read(0))[0]!);
    if (first?.type !== 'open') return null;
    const last = await read(Math.max(0, size - END_BYTES));
    return { open: first, ended: last.some((line) => parseLine(line)?.type === 'end') };
  } finally {
    await file.close();
  }
}

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}

/** null for a damaged line (a full disk can cut one in the middle): the lines around it still count. */
function parseLine(line: string): JournalLine | null {
  try {
    return line === '' ? null : (JSON.parse(line) as JournalLine);
  } catch {
    return null;
  }
}
