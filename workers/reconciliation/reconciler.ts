import { setTimeout as delay } from 'node:timers/promises';
import { QueryNotRegisteredError, WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { Catalog } from '../../domain/contracts/catalog.js';
import { streamWorkflowId } from '../../domain/task-queues.js';
import type { ReadModel } from '../../platform/db/repositories/read-model.js';
import type { Logger } from '../../platform/log/logger.js';
import { snapshotQuery, type StreamSnapshot } from '../../workflows/messages.js';
import { candidates } from './candidates.js';
import { missingPart } from './missing-part.js';
import { listStreams } from './stream-listing.js';

export interface ReconcilerDeps {
  client: Pick<Client, 'workflow' | 'connection'>;
  readModel: ReadModel;
  catalog: Pick<Catalog, 'record'>;
  log: Logger;
}

/** A stream that is shown wrongly is noticed within this; each round costs as many queries as streams are busy. */
const INTERVAL_MS = 20_000;
/** Of one round, in all and beside each other. An evicted workflow is replayed for its answer. */
const MAX_ASKED = 100;
const ASKED_AT_ONCE = 4;
/** More than one installation has busy at once; beyond it the rest is not looked at. */
const MAX_LISTED = 5000;
const ANSWER_DEADLINE_MS = 5000;

/**
 * Keeps the rows of streams true to what their workflows know, when Postgres was restored to a minute ago or a write was
 * lost: compares versions, and writes what is missing as the workflow itself would. Any number of workers may do it.
 */
export class ReadModelReconciler {
  readonly #deps: ReconcilerDeps;
  #round = 0;

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps;
  }

  /** Until `signal`. Whatever is away is asked again in the next round. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await delay(INTERVAL_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.reconcile(signal);
      } catch (error) {
        this.#deps.log.warn({ reason: String(error) }, 'cannot compare streams with their rows now');
      }
    }
  }

  /** One round. Resolves with the streams whose rows were behind. */
  async reconcile(signal?: AbortSignal): Promise<string[]> {
    const { client, readModel } = this.#deps;
    const listed = await listStreams(client.workflow, MAX_LISTED, Date.now());
    const [busy, rows] = await Promise.all([readModel.busy(MAX_LISTED), readModel.among(listed.map(({ streamId }) => streamId))]);
    const shown = [...new Map([...busy, ...rows].map((row) => [row.streamId, row])).values()];
    const asked = candidates({ listed, shown, limit: MAX_ASKED, round: this.#round++ });
    const mended: string[] = [];
    const next = async (): Promise<void> => {
      for (let streamId = asked.shift(); streamId !== undefined && !signal?.aborted; streamId = asked.shift()) {
        if (await this.#mend(streamId)) mended.push(streamId);
      }
    };
    await Promise.all(Array.from({ length: ASKED_AT_ONCE }, next));
    return mended;
  }

  async #mend(streamId: string): Promise<boolean> {
    const { readModel, catalog, log } = this.#deps;
    try {
      const snapshot = await this.#snapshotOf(streamId);
      if (snapshot === null) return false;
      const written = await readModel.stateOf(streamId, snapshot.broadcast?.broadcastId ?? null, snapshot.events[0]?.sequence ?? 0);
      const missing = missingPart(snapshot, written);
      if (missing === null) return false;
      await catalog.record(missing);
      log.warn({ streamId, version: snapshot.version, was: written?.version, status: snapshot.status }, 'rows of a stream were behind');
      return true;
    } catch (error) {
      log.warn({ streamId, reason: String(error) }, 'cannot compare a stream with its rows now');
      return false;
    }
  }

  /** Null where there is nobody to ask: no such workflow (any more), or one that began before there was this query. */
  async #snapshotOf(streamId: string): Promise<StreamSnapshot | null> {
    const { client } = this.#deps;
    const handle = client.workflow.getHandle(streamWorkflowId(streamId));
    try {
      return await client.connection.withDeadline(Date.now() + ANSWER_DEADLINE_MS, () => handle.query(snapshotQuery));
    } catch (error) {
      if (error instanceof QueryNotRegisteredError || error instanceof WorkflowNotFoundError) return null;
      throw error;
    }
  }
}
