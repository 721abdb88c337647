import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { identify, isRunning, type ProcessIdentity } from '../../../media/process/process-identity.js';
import { endProcess } from './end-process.js';
import { LauncherError } from '../launcher-error.js';
import { runCommand } from './run-command.js';

interface ProcessRecord extends ProcessIdentity {
  name: string;
  /** Part of the process's command line. */
  program: string;
  stopSignal: NodeJS.Signals;
}

const LAUNCHER = 'launcher';

/**
 * What this data folder's launcher has started, one file each, so that the next launcher finds what a killed one left
 * running. Nothing is ended unless pid, start time and program all agree: pids are used again.
 */
export class ProcessRecords {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /**
   * Makes this process the one launcher of the data folder.
   *
   * @throws LauncherError when another one runs
   */
  async claim(): Promise<void> {
    mkdirSync(this.#dir, { recursive: true });
    const other = (await this.#read()).find(({ name }) => name === LAUNCHER);
    if (other && other.pid !== process.pid && (await isStillThere(other))) {
      throw new LauncherError(
        `Holdfast already runs with this data folder (pid ${other.pid}). ` +
          'Stop it first, or set HOLDFAST_DATA_DIR and the ports to others.',
      );
    }
    const identity = identify(process.pid);
    // By its file name: npm starts it with a path relative to the project.
    if (identity) this.add(LAUNCHER, identity, basename(process.argv[1] ?? process.execPath), 'SIGINT');
  }

  /** Synchronous, so that what is said about one process is written in the order it happened. */
  add(name: string, identity: ProcessIdentity, program: string, stopSignal: NodeJS.Signals): void {
    const record: ProcessRecord = { name, ...identity, program, stopSignal };
    const path = join(this.#dir, `${name}.json`);
    const draft = `${path}.${identity.pid}.tmp`;
    writeFileSync(draft, JSON.stringify(record));
    renameSync(draft, path);
  }

  remove(name: string): void {
    rmSync(join(this.#dir, `${name}.json`), { force: true });
  }

  /** Removes the launcher's own record; the last thing it does. */
  release(): void {
    this.remove(LAUNCHER);
  }

  /** Ends what an earlier launcher left running, all at once. Returns their names. */
  async endLeftovers(): Promise<string[]> {
    const left = (await this.#read()).filter(({ name }) => name !== LAUNCHER);
    const ended = await Promise.all(
      left.map(async (record) => {
        const there = await isStillThere(record);
        if (there) await endProcess(record, record.stopSignal);
        this.remove(record.name);
        return there ? [record.name] : [];
      }),
    );
    return ended.flat();
  }

  async #read(): Promise<ProcessRecord[]> {
    const names = (await readdir(this.#dir).catch(() => [])).filter((name) => name.endsWith('.json'));
    const texts = await Promise.all(names.map((name) => readFile(join(this.#dir, name), 'utf8').catch(() => '')));
    return texts.map(parseRecord).filter((record) => record !== null);
  }
}

/** A damaged file says nothing for sure, so nothing is done about it. */
function parseRecord(text: string): ProcessRecord | null {
  try {
    return JSON.parse(text) as ProcessRecord;
  } catch {
    return null;
  }
}

async function isStillThere(record: ProcessRecord): Promise<boolean> {
  return isRunning(record) && (await commandLine(record.pid)).includes(record.program);
}

async function commandLine(pid: number): Promise<string> {
  if (process.platform === 'linux') return readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return (await runCommand('ps', ['-o', 'command=', '-p', String(pid)])).stdout;
}
