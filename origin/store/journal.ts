import { open, readFile, truncate, type FileHandle } from 'node:fs/promises';
import { History } from './history.js';
import type { JournalLine } from './journal-lines.js';

/** Appends lines to a broadcast's journal. One line is one write; the caller keeps their order. */
export class Journal {
  #file: FileHandle;
  /** A failed append may have left half a line. */
  #torn = false;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async open(path: string): Promise<Journal> {
    return new Journal(await open(path, 'a'));
  }

  async append(...lines: JournalLine[]): Promise<void> {
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    try {
      await this.#file.appendFile(this.#torn ? `\n${text}` : text);
      this.#torn = false;
    } catch (error) {
      this.#torn = true;
      throw error;
    }
  }

  /** The end of a broadcast is worth a flush to the platter; segments in between are not. */
  async sync(): Promise<void> {
    await this.#file.sync();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/**
 * Reads a journal; null when there is none or it does not begin with an `open` line. A last line that was cut off by a
 * crash is taken off the file, so that the next append begins on a line of its own.
 */
export async function readJournal(path: string): Promise<History | null> {
  const text = await readText(path);
  if (text === null) return null;
  const complete = text.slice(0, text.lastIndexOf('\n') + 1);
  if (complete.length < text.length) await truncate(path, Buffer.byteLength(complete));
  const lines = complete.split('\n').map(parseLine);
  const first = lines[0];
  if (first?.type !== 'open') return null;
  const history = new History(first);
  for (const line of lines.slice(1)) if (line) history.apply(line);
  return history;
}

async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
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
