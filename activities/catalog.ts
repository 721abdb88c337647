import type { BroadcastPart, Catalog, NewBroadcast, StreamProjection } from '../domain/contracts/catalog.js';
import type { DestinationSummary } from '../domain/contracts/destinations.js';
import type { StreamSettings } from '../domain/stream.js';
import { withFailures } from './failures.js';

export interface CatalogActivityDeps {
  catalog: Catalog;
  /** How long an ended broadcast's segments are kept unless it is recorded. */
  retentionHours: number;
}

export interface OpenedBroadcast {
  settings: StreamSettings;
  retentionHours: number;
}

/** Activities on Postgres; they run on the stream workers' queue. */
export function createCatalogActivities({ catalog, retentionHours }: CatalogActivityDeps) {
  return withFailures({
    /** Inserts the broadcast and reads the settings it runs with. */
    async openBroadcast(broadcast: NewBroadcast): Promise<OpenedBroadcast> {
      return { settings: await catalog.openBroadcast(broadcast), retentionHours };
    },

    /** Is the stream reusable? Asked when it is ended without ever having been live. */
    async streamSettings(streamId: string): Promise<StreamSettings> {
      return catalog.settings(streamId);
    },

    /** Writes the read model and the timeline, oldest first. */
    async recordProjections(projections: StreamProjection[]): Promise<void> {
      for (const projection of projections) await catalog.record(projection);
    },

    async destinationsOf(streamId: string): Promise<DestinationSummary[]> {
      return catalog.destinationsOf(streamId);
    },

    async broadcastsOf(streamId: string): Promise<{ broadcastId: string; hostId: string }[]> {
      return catalog.broadcastsOf(streamId);
    },

    /** What a host that was away has of an ended broadcast. */
    async recordPart(part: BroadcastPart): Promise<void> {
      await catalog.recordPart(part);
    },

    async markMediaDeleted(broadcastId: string): Promise<void> {
      await catalog.markMediaDeleted(broadcastId);
    },

    async purgeStream(streamId: string): Promise<void> {
      await catalog.purgeStream(streamId);
    },
  });
}

export type CatalogActivities = ReturnType<typeof createCatalogActivities>;
