import { open, rename, rm, writeFile, type FileHandle } from 'node:fs/promises';

const TEMPORARY = '.tmp';

/** What an interrupted write leaves behind. */
export const isTemporary = (name: string): boolean => name.endsWith(TEMPORARY);

/**
 * Every way in which broadcasts come to disk. What was written survives the end of the process; the loss of power it survives only once
 * it was synced: a file's content by `sync`, its name by `syncFolder` of where it is.
 */
export class Disk {
  /** Readers see the whole file or none: written beside, then renamed. */
  async write(path: string, bytes: Buffer | string): Promise<void> {
    const temporary = `${path}${TEMPORARY}`;
    try {
      await writeFile(temporary, bytes);
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  /** The same, and so that it survives: content before name, name before anything that is done next. @param folder of the file */
  async writeSynced(path: string, bytes: Buffer | string, folder: string): Promise<void> {
    const temporary = `${path}${TEMPORARY}`;
    try {
      const file = await open(temporary, 'w');
      try {
        await file.writeFile(bytes);
        await file.datasync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    await this.syncFolder(folder);
  }

  append(file: FileHandle, _path: string, text: string): Promise<void> {
    return file.appendFile(text);
  }

  /** A file that is gone meanwhile has nothing to lose. */
  async sync(path: string): Promise<void> {
    await withHandle(path, (file) => file.datasync());
  }

  async syncFolder(path: string): Promise<void> {
    await withHandle(path, (folder) => folder.sync());
  }
}

async function withHandle(path: string, use: (file: FileHandle) => Promise<void>): Promise<void> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    await use(file);
  } finally {
    await file.close();
  }
}
