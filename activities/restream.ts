import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import type { RestreamConnection, RestreamInput, RestreamKey } from '../domain/contracts/restream.js';
import type { RestreamEnd } from '../domain/destination.js';
import { HoldfastError } from '../domain/errors.js';
import type { SourceLayout } from '../domain/source.js';
import type { StoppedRestream } from '../media/restream/close-restream.js';
import type { RestreamHost } from '../media/restream/restream-host.js';
import { whileAttached } from './attached.js';

export type { RestreamInput, RestreamProgress } from '../domain/contracts/restream.js';

/** What the restream workflow calls on the media host. */
export function createRestreamActivities(restreams: RestreamHost) {
  return {
    /**
     * Waits for the end of one connection to a destination, which it has started, or adopts. Resolves for every end that the
     * platform, the network or the user causes. The connection is ended only when the workflow cancels: a worker that shuts
     * down leaves it to the next run.
     */
    async restream(input: RestreamInput): Promise<RestreamEnd> {
      const run = restreams.attach(input);
      try {
        return await whileAttached(
          () => run.end,
          () => run.progress,
        );
      } catch (error) {
        const isCancelled = error instanceof CancelledFailure && Context.current().cancellationDetails?.cancelRequested;
        // A later connection may be there by now: a cancellation is heard late.
        if (isCancelled) await restreams.stop(input, input.attempt);
        throw error;
      } finally {
        run.detach();
      }
    },

    /** Returns when media has really left for the platform. Fails for good once that connection has ended. */
    async awaitRestreamLive(connection: RestreamConnection): Promise<void> {
      try {
        await whileAttached((signal) => restreams.awaitLive(connection, signal));
      } catch (error) {
        if (error instanceof HoldfastError) throw ApplicationFailure.nonRetryable(error.message, error.code);
        throw error;
      }
    },

    /** Whether the present connection goes on now that the source is another; without one there is nothing to begin anew. */
    async checkRestreamFormat({ source, ...key }: RestreamKey & { source: SourceLayout }): Promise<{ goesOn: boolean }> {
      return { goesOn: await restreams.goesOn(key, source) };
    },

    /**
     * Closes the connection politely; `forced`: it had to be cut. Nothing there: not forced.
     * With `attempt` only that connection or an older one.
     */
    stopRestream({ attempt, ...restream }: RestreamKey & { attempt?: number }): Promise<StoppedRestream> {
      return restreams.stop(restream, attempt);
    },
  };
}

export type RestreamActivities = ReturnType<typeof createRestreamActivities>;
