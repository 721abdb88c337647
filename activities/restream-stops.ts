import type { Logger } from '../platform/log/logger.js';
import { takeLeave } from '../media/restream/restream-farewell.js';
import { restreamFileId, type RestreamKey, type RestreamRecord, type RestreamRegistry } from '../media/restream/restream-registry.js';

export interface StoppedRestream {
  /** The connection had to be cut, or the platform had not taken the end in time. */
  forced: boolean;
}

/** Ends what the reader of that name gets of its programme. */
export type EndReader = (reader: string) => Promise<unknown>;

/** Platforms are told the end (FCUnpublish, deleteStream) in well under this time; then the connection is cut. */
const STOP_GRACE_MS = 3000;
/** A stop is asked for twice, by cancelling and by command: the later one hears what the first one did. */
const REMEMBER_MS = 30_000;

/** Ends connections, each once however many ask. */
export class RestreamStops {
  readonly #restreams: RestreamRegistry;
  readonly #endReader: EndReader;
  readonly #log: Logger;
  readonly #running = new Map<string, Promise<StoppedRestream>>();
  readonly #done = new Map<string, StoppedRestream>();

  constructor(restreams: RestreamRegistry, endReader: EndReader, log: Logger) {
    this.#restreams = restreams;
    this.#endReader = endReader;
    this.#log = log;
  }

  /** Closes the connection politely if the platform lets it. Nothing there: not forced. */
  stop(key: RestreamKey): Promise<StoppedRestream> {
    const id = restreamFileId(key);
    const stop = this.#running.get(id) ?? this.#end(key, id).finally(() => this.#running.delete(id));
    this.#running.set(id, stop);
    return stop;
  }

  async #end(key: RestreamKey, id: string): Promise<StoppedRestream> {
    const record = await this.#restreams.of(key);
    if (!record) return this.#done.get(id) ?? { forced: false };
    await this.#restreams.write({ ...record, stopping: true });
    const polite = await takeLeave(record.process, STOP_GRACE_MS, () => this.#endInput(record));
    await this.#restreams.remove(id);
    const { broadcastId, destinationId } = key;
    this.#log.info({ broadcastId, destinationId, attempt: record.attempt, pid: record.process.pid, polite }, 'restream stopped');
    return this.#remember(id, { forced: !polite });
  }

  /** An ingest that is away has ended all its readers. */
  async #endInput({ reader, destinationId }: RestreamRecord): Promise<void> {
    try {
      await this.#endReader(reader);
    } catch (error) {
      this.#log.warn({ err: error, destinationId }, 'the reader of a restream could not be ended');
    }
  }

  #remember(id: string, stopped: StoppedRestream): StoppedRestream {
    this.#done.set(id, stopped);
    setTimeout(() => {
      if (this.#done.get(id) === stopped) this.#done.delete(id);
    }, REMEMBER_MS).unref();
    return stopped;
  }
}
