import { HoldfastError } from '../../domain/errors.js';
import type { Logger } from '../../platform/log/logger.js';
import type { OriginMetrics } from '../metrics.js';
import { segmentFile, type BroadcastFolder } from '../store/broadcast-folder.js';
import type { Disk } from '../store/disk.js';
import { GroupCommit } from '../store/group-commit.js';
import type { History } from '../store/history.js';
import type { Journal } from '../store/journal.js';
import type { JournalLine, SegmentLine } from '../store/journal-lines.js';
import type { SegmentCache } from '../store/segment-cache.js';
import { gapInsteadOf } from './lost-segment.js';

export interface BroadcastWriterOptions {
  journal: Journal;
  folder: BroadcastFolder;
  history: History;
  cache: SegmentCache;
  metrics: OriginMetrics;
  /** Segments stay in memory: what little room the disk has is for journals. */
  isDiskFull: () => boolean;
  disk: Disk;
  log: Logger;
}

/** A segment with its media, complete. */
export interface WholeSegment {
  line: SegmentLine;
  /** By rendition. */
  media: ReadonlyMap<string, Buffer>;
  /** When its last media came in, milliseconds of the monotonic clock. */
  cutAt: number;
}

const MS_PER_SECOND = 1000;

/**
 * All of one broadcast that goes to disk, one after the other: what is listed later is written later. It is synced aside, files before
 * the journal, and nothing waits for that but the end of the broadcast: see docs/durability.md.
 */
export class BroadcastWriter {
  /** Since when the disk has taken no segment (ms since 1970); null while it does. */
  unstoredSince: number | null = null;
  /** Segments in memory that wait for the disk. */
  unwritten = 0;
  readonly #options: BroadcastWriterOptions;
  readonly #commits: GroupCommit;
  #writes: Promise<void> = Promise.resolve();

  constructor(options: BroadcastWriterOptions) {
    this.#options = options;
    const { disk, log, journal } = options;
    const seal = async (msn: number): Promise<void> => {
      await this.#inOrder(() => journal.append({ type: 'synced', msn }));
      await journal.sync();
    };
    this.#commits = new GroupCommit({ disk, seal, log });
  }

  /** Resolves when everything that was asked for is done. */
  get settled(): Promise<void> {
    return this.#writes;
  }

  /** Files that an earlier process wrote and may not have synced. */
  adopt(files: readonly string[], msn: number): void {
    for (const path of files) this.#commits.wrote(path);
    if (files.length > 0) this.#commits.journalled(msn);
  }

  /** Everything that was asked for is written, and survives the loss of power. Rejects with what the disk says. */
  async flush(): Promise<void> {
    await this.#writes;
    await this.#commits.flush();
  }

  /** A line for the journal, applied by whoever asks; synced soon. */
  append(line: JournalLine): void {
    this.#enqueue(async () => {
      await this.#options.journal.append(line);
      this.#commits.journalled();
      this.#commits.now();
    });
  }

  /** A line that holds once it is written. */
  appendAndApply(line: JournalLine): void {
    const { journal, history } = this.#options;
    this.#enqueue(async () => {
      await journal.append(line);
      history.apply(line);
      this.#commits.journalled();
    });
  }

  /** A header; its line is applied by whoever asks. */
  header(line: Extract<JournalLine, { type: 'init' }>, bytes: Buffer): void {
    const { cache, folder, journal } = this.#options;
    // The cache keeps it as well: a header the disk refuses would make every segment behind it useless.
    cache.put(folder.file(line.rendition, line.file), bytes);
    this.#enqueue(async () => {
      await folder.write(line.rendition, line.file, bytes);
      this.#commits.wrote(folder.file(line.rendition, line.file));
      await journal.append(line);
    });
  }

  /** Lists the segment as well, stored or not. @param onListed called then */
  segment(segment: WholeSegment, onListed: () => void): void {
    this.unwritten++;
    this.#enqueue(async () => {
      await this.#publish(segment);
      onListed();
    });
  }

  async #publish({ line, media, cutAt }: WholeSegment): Promise<void> {
    const { cache, folder, history, metrics } = this.#options;
    const name = segmentFile(line.msn);
    for (const [rendition, bytes] of media) cache.put(folder.file(rendition, name), bytes);
    const stored = await this.#store(line, name, media);
    this.unwritten--;
    history.addSegment(line, !stored);
    metrics.segments.inc(media.size);
    for (const bytes of media.values()) metrics.mediaBytes.inc(bytes.length);
    metrics.publishSeconds.set((performance.now() - cutAt) / MS_PER_SECOND);
  }

  async #store(line: SegmentLine, name: string, media: ReadonlyMap<string, Buffer>): Promise<boolean> {
    const { folder, journal, metrics, isDiskFull, log } = this.#options;
    try {
      if (isDiskFull()) throw new HoldfastError('disk_full');
      await Promise.all([...media].map(([rendition, bytes]) => folder.write(rendition, name, bytes)));
      for (const rendition of media.keys()) this.#commits.wrote(folder.file(rendition, name));
      await journal.append(line);
      this.#commits.journalled(line.msn);
      this.unstoredSince = null;
      return true;
    } catch (error) {
      this.unstoredSince ??= Date.now();
      metrics.writeFailures.inc();
      log.error({ msn: line.msn, reason: String(error) }, 'segment not written; it is played from memory and missing later');
      await this.#journalLoss(line);
      return false;
    }
  }

  async #journalLoss(line: SegmentLine): Promise<void> {
    try {
      await this.#options.journal.append(gapInsteadOf(line));
    } catch (error) {
      this.#options.log.error({ msn: line.msn, reason: String(error) }, 'lost segment not journalled');
    }
  }

  #enqueue(write: () => Promise<void>): void {
    this.#inOrder(write).catch((error: unknown) => {
      this.#options.log.error({ reason: String(error) }, 'journal or header not written');
    });
  }

  #inOrder(write: () => Promise<void>): Promise<void> {
    const written = this.#writes.then(write);
    this.#writes = written.catch(() => undefined);
    return written;
  }
}
