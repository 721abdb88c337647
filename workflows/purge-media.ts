import { attempt } from './attempt.js';
import { promptCommands } from './proxies.js';
import { startRetention } from './retention-workflow.js';

/**
 * Deletes what a deleted stream has on its media hosts, all at once; of a host that is away a workflow of its own does, when it
 * is back.
 */
export async function purgeMedia(broadcasts: readonly { broadcastId: string; hostId: string }[]): Promise<void> {
  await Promise.all(
    broadcasts.map(async ({ broadcastId, hostId }) => {
      const deleted = await attempt(async () => {
        await promptCommands(hostId).deleteMedia.executeWithOptions({ summary: broadcastId }, [{ broadcastId }]);
        return true;
      });
      if (!deleted) await attempt(() => startRetention({ broadcastId, hostId, afterMs: 0 }));
    }),
  );
}
