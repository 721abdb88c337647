import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Disk } from '../../origin/store/disk.js';

type Operation =
  | { kind: 'write' | 'append'; path: string; bytes: Buffer }
  | { kind: 'sync' | 'syncFolder'; path: string }
  /** Something the test wants to find again. */
  | { kind: 'mark'; path: string };

/** A file as it is on the platter and as processes see it: what is between the two may be lost. */
interface Content {
  whole: Buffer;
  /** Bytes of it that are safe. */
  safe: number;
}

/** A disk that remembers in which order everything came, so that its power can be cut at any moment afterwards. */
export class RecordingDisk extends Disk {
  readonly operations: Operation[] = [];

  override async write(path: string, bytes: Buffer | string): Promise<void> {
    await super.write(path, bytes);
    this.operations.push({ kind: 'write', path, bytes: Buffer.from(bytes) });
  }

  override async append(file: FileHandle, path: string, text: string): Promise<void> {
    await super.append(file, path, text);
    this.operations.push({ kind: 'append', path, bytes: Buffer.from(text) });
  }

  override async sync(path: string): Promise<void> {
    await super.sync(path);
    this.operations.push({ kind: 'sync', path });
  }

  override async syncFolder(path: string): Promise<void> {
    await super.syncFolder(path);
    this.operations.push({ kind: 'syncFolder', path });
  }

  mark(name: string): void {
    this.operations.push({ kind: 'mark', path: name });
  }

  /**
   * What is found after the power was cut behind the first `count` operations: what was synced, and of everything else as much as
   * `keep` says, of each file apart.
   *
   * @param keep a share from 0 to 1, another one at each call
   */
  cut(count: number, keep: () => number): Map<string, Buffer> {
    const seen = new Map<string, Content>();
    const safe = new Map<string, Content>();
    for (const operation of this.operations.slice(0, count)) {
      const { kind, path } = operation;
      if (kind === 'write') seen.set(path, { whole: operation.bytes, safe: 0 });
      else if (kind === 'append') {
        const content = seen.get(path) ?? { whole: Buffer.alloc(0), safe: 0 };
        content.whole = Buffer.concat([content.whole, operation.bytes]);
        seen.set(path, content);
      } else if (kind === 'sync') {
        const content = seen.get(path);
        if (content) content.safe = content.whole.length;
      } else if (kind === 'syncFolder') {
        for (const [name, content] of seen) if (dirname(name) === path) safe.set(name, content);
      }
    }
    const found = new Map<string, Buffer>();
    for (const [name, content] of seen) {
      // A new name may be lost, or be on the platter before its content is.
      const left = keep() < 0.5 ? safe.get(name) : content;
      if (!left) continue;
      const unsafe = left.whole.length - left.safe;
      found.set(name, left.whole.subarray(0, left.safe + Math.floor(keep() * (unsafe + 1))));
    }
    return found;
  }
}
