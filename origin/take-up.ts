import { LiveBroadcast, type LiveBroadcastOptions } from './packager/live-broadcast.js';
import { describeStatus } from './packager/status.js';
import { BroadcastFolder } from './store/broadcast-folder.js';
import type { BroadcastIndex } from './store/broadcast-index.js';
import type { History } from './store/history.js';
import { readJournal } from './store/journal.js';
import type { LostLine } from './store/journal-lines.js';
import { findLosses } from './store/losses.js';
import { readSummary, writeSummary, type BroadcastSummary } from './store/summary.js';

export interface TakeUpOptions extends Omit<LiveBroadcastOptions, 'history' | 'folder'> {
  mediaDir: string;
  index: BroadcastIndex;
}

/** What is found on disk of a broadcast that is not in memory. */
export type Found =
  | { kind: 'open'; live: LiveBroadcast }
  /** `history` only where the journal had to be read. */
  | { kind: 'ended'; summary: BroadcastSummary; history: History | null };

/** Takes broadcasts up from disk as they were left, whatever the process was doing when it ended. One at a time of each. */
export class TakeUp {
  readonly #options: TakeUpOptions;

  constructor(options: TakeUpOptions) {
    this.#options = options;
  }

  folder(broadcastId: string): BroadcastFolder {
    return new BroadcastFolder(this.#options.mediaDir, broadcastId, this.#options.disk);
  }

  /** An open one goes on; of an ended one its summary is read, or made. null = there is none. */
  async find(broadcastId: string): Promise<Found | null> {
    const { metrics, index } = this.#options;
    const summary = await readSummary(this.folder(broadcastId));
    metrics.summariesRead.inc(summary ? 1 : 0);
    if (summary) return { kind: 'ended', summary, history: null };
    const read = await this.#readJournal(broadcastId);
    if (!read) return null;
    const { history, losses } = read;
    if (history.endedAt !== null) {
      await index.add(history.open);
      return { kind: 'ended', summary: await this.summarize(history), history };
    }
    await index.addOpen(history.open);
    return { kind: 'open', live: await LiveBroadcast.resume(this.liveOptions(history), losses) };
  }

  /** Of a broadcast whose end is in the journal. What cannot be written now is written when it is asked for next. */
  async summarize(history: History): Promise<BroadcastSummary> {
    const { disk, log, index } = this.#options;
    const { open, keep, endedAt } = history;
    const summary = { open, keep, endedAt: endedAt ?? 0, status: describeStatus(history, null) };
    try {
      await writeSummary(this.folder(open.broadcastId), disk, summary);
      await index.closeOpen(open.broadcastId);
    } catch (error) {
      log.warn({ broadcastId: open.broadcastId, reason: String(error) }, 'summary of the broadcast not written');
    }
    return summary;
  }

  /** Everything the journal says and the disk has; null = there is none. */
  async readHistory(broadcastId: string): Promise<History | null> {
    return (await this.#readJournal(broadcastId))?.history ?? null;
  }

  liveOptions(history: History): LiveBroadcastOptions {
    const { log } = this.#options;
    const { broadcastId, streamId } = history.open;
    return { ...this.#options, history, folder: this.folder(broadcastId), log: log.child({ streamId, broadcastId }) };
  }

  /** With what the disk has lost of it since. */
  async #readJournal(broadcastId: string): Promise<{ history: History; losses: LostLine[] } | null> {
    const { metrics, log } = this.#options;
    const folder = this.folder(broadcastId);
    const history = await readJournal(folder.journal);
    if (!history) return null;
    metrics.journalsRead.inc();
    const losses = await findLosses(history, folder);
    for (const loss of losses) history.apply(loss);
    if (losses.length > 0) log.error({ broadcastId, segments: losses.map(({ msn }) => msn) }, 'segments were lost with the power');
    return { history, losses };
  }
}
