import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../platform/log/logger.js';
import type { OriginClient } from '../control-client.js';
import type { EncoderHost } from '../encoder/encoder-host.js';
import type { RestreamHost } from '../restream/restream-host.js';
import {
  DETACHED_LIMIT_MS,
  dueBroadcasts,
  isUnwanted,
  observeUnwanted,
  type HostedBroadcast,
  type HostedProcess,
  type StreamView,
  type UnwantedSince,
} from './leftovers.js';

export interface HostCheckDeps {
  hostId: string;
  encoders: Pick<EncoderHost, 'list' | 'stop'>;
  restreams: Pick<RestreamHost, 'list' | 'stop'>;
  origin: Pick<OriginClient, 'listOpen' | 'end'>;
  /** What the stream's workflow says now. Rejects when it cannot be asked. */
  viewOf(streamId: string): Promise<StreamView | 'gone'>;
  log: Logger;
}

const INTERVAL_MS = 15_000;

/** Compares what this host has with what the streams' workflows want of it, and ends what nobody wants. */
export class HostCheck {
  readonly #deps: HostCheckDeps;
  #unwantedSince: UnwantedSince = new Map();

  constructor(deps: HostCheckDeps) {
    this.#deps = deps;
  }

  /** Looks again and again until told to stop. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await delay(INTERVAL_MS, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) await this.look();
    }
  }

  /** One look. What cannot be asked now is left as it is. @param now ms */
  async look(now = performance.now()): Promise<void> {
    const { encoders, restreams } = this.#deps;
    const processes = [...encoders.list(), ...restreams.list()];
    await Promise.all(processes.filter(({ detachedMs }) => detachedMs > DETACHED_LIMIT_MS).map((found) => this.#lookAt(found)));
    const attached = new Set(processes.filter(({ detachedMs }) => detachedMs === 0).map(({ broadcastId }) => broadcastId));
    const open = (await this.#openBroadcasts()).filter(({ broadcastId }) => !attached.has(broadcastId));
    const unwanted = await Promise.all(open.map(async (found) => ((await this.#isUnwanted(found)) ? [found.broadcastId] : [])));
    this.#unwantedSince = observeUnwanted(this.#unwantedSince, unwanted.flat(), now);
    await Promise.all(dueBroadcasts(this.#unwantedSince, now).map((broadcastId) => this.#endBroadcast(broadcastId)));
  }

  async #lookAt(found: HostedProcess): Promise<void> {
    if (!(await this.#isUnwanted(found))) return;
    const { kind, streamId, broadcastId, epoch, destinationId } = found;
    this.#deps.log.warn({ kind, streamId, broadcastId, epoch, destinationId }, 'nobody wants this any more: it is ended');
    await this.#attempt(found, async () => {
      if (destinationId === undefined) await this.#deps.encoders.stop({ broadcastId, epoch });
      else await this.#deps.restreams.stop({ broadcastId, destinationId }, epoch);
    });
  }

  async #endBroadcast(broadcastId: string): Promise<void> {
    this.#deps.log.warn({ broadcastId }, 'its stream knows this broadcast no longer: it is ended');
    await this.#attempt({ broadcastId }, () => this.#deps.origin.end(broadcastId));
  }

  async #isUnwanted(found: HostedProcess | HostedBroadcast): Promise<boolean> {
    const view = await this.#attempt(found, () => this.#deps.viewOf(found.streamId));
    return view !== null && isUnwanted(found, view, this.#deps.hostId);
  }

  async #openBroadcasts(): Promise<HostedBroadcast[]> {
    const answer = await this.#attempt({}, () => this.#deps.origin.listOpen());
    return (answer?.broadcasts ?? []).map(({ streamId, broadcastId }) => ({ kind: 'broadcast', streamId, broadcastId }));
  }

  /** null: it could not be done now; the next look tries again. */
  async #attempt<T>(what: object, step: () => Promise<T>): Promise<T | null> {
    try {
      return await step();
    } catch (error) {
      this.#deps.log.debug({ ...what, reason: error instanceof Error ? error.message : String(error) }, 'the host could not be checked');
      return null;
    }
  }
}
