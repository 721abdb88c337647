import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { ActivityFailure, ApplicationFailure, isCancellation, sleep, TimeoutFailure } from '@temporalio/workflow';
import type { Fact } from '../domain/lifecycle/facts.js';
import type { HandOver, StreamLife } from '../domain/lifecycle/life.js';
import type { Obligation } from '../domain/lifecycle/obligations.js';
import { attempt } from './attempt.js';
import { leaveHost } from './former-host-workflow.js';
import { catalog, encoderActivity, enquiries, mediaCommands } from './proxies.js';
import { purgeMedia } from './purge-media.js';
import { startRetention } from './retention-workflow.js';
import type { Restreams } from './restreams.js';

/** The stream whose obligations these are, as it is now. */
interface StreamInHand {
  readonly life: Pick<StreamLife, 'streamId'>;
  readonly restreams: Restreams | null;
}

type Fulfilled = Exclude<Obligation, { kind: 'restream' }>;

/**
 * Does what is to be done and says how it turned out. Rejects only when it was cancelled: a step that a media host no longer
 * takes must hold up nothing after it, or the stream would be stuck; Temporal keeps the failure.
 */
export async function fulfil(wanted: Fulfilled, stream: StreamInHand): Promise<Fact> {
  const { streamId } = stream.life;
  switch (wanted.kind) {
    case 'open': {
      const { row } = wanted;
      const open = catalog.openBroadcast.executeWithOptions({ summary: `open ${row.broadcastId}` }, [row]);
      return known(open, (opened) => ({ kind: 'opened', broadcastId: row.broadcastId, ...opened }));
    }
    case 'readSettings':
      return known(catalog.streamSettings(streamId), ({ reusable }) => ({ kind: 'settingsRead', reusable }));
    case 'encode':
      return encode(wanted);
    case 'stopEncoder': {
      const { hostId, broadcastId, epoch } = wanted;
      await attempt(() =>
        mediaCommands(hostId).stopTranscode.executeWithOptions({ summary: `stop encoder ${epoch}` }, [{ broadcastId, epoch }]),
      );
      return { kind: 'encoderStopped', broadcastId, epoch };
    }
    case 'findPublisher': {
      const { hostId, publishId } = wanted;
      const { present } = await enquiries(hostId).findPublisher.executeWithOptions({ summary: 'is the publisher still there?' }, [
        { publishId, streamId },
      ]);
      return { kind: 'publisherFound', publishId, present };
    }
    case 'endRestreams':
      await attempt(async () => stream.restreams?.endAll());
      return { kind: 'restreamsEnded', broadcastId: wanted.broadcastId };
    case 'finishPlaylists': {
      const { hostId, broadcastId } = wanted;
      const summary = await attempt(() =>
        mediaCommands(hostId).finishPlaylists.executeWithOptions({ summary: 'ENDLIST' }, [{ broadcastId }]),
      );
      return { kind: 'playlistsFinished', broadcastId, summary };
    }
    case 'dismiss': {
      const { publishId, hostId, reason } = wanted.dismissal;
      await attempt(() => mediaCommands(hostId).disconnectPublisher.executeWithOptions({ summary: reason }, [{ publishId, reason }]));
      return { kind: 'dismissed', publishId };
    }
    case 'handOver':
      await handOver(wanted.handOver, stream);
      return { kind: 'handedOver', key: wanted.key };
    case 'purge':
      await purgeMedia(await catalog.broadcastsOf(streamId));
      await catalog.purgeStream(streamId);
      return { kind: 'purged' };
    case 'record': {
      const { projections } = wanted;
      const events = projections.flatMap((projection) => projection.events.map((event) => event.type));
      const summary = events.length > 0 ? summaryOf(events) : `status ${projections.at(-1)?.status ?? ''}`;
      await catalog.recordProjections.executeWithOptions({ summary }, [projections]);
      return { kind: 'recorded', count: projections.length };
    }
    case 'wake':
      await sleep(Math.max(1, wanted.at - Date.now()));
      return { kind: 'woken' };
  }
}

/** Shown in the Temporal UI: Temporal takes 400 bytes. */
const SUMMARY_CHARACTERS = 200;
const summaryOf = (events: readonly string[]): string => events.join(', ').slice(0, SUMMARY_CHARACTERS);

/** What the catalog knows of the stream; it fails for good only when it does not know the stream. */
async function known<T>(asked: Promise<T>, fact: (answer: T) => Fact): Promise<Fact> {
  try {
    return fact(await asked);
  } catch (error) {
    if (isCancellation(error)) throw error;
    return { kind: 'unknownStream' };
  }
}

async function encode({ order }: Extract<Obligation, { kind: 'encode' }>): Promise<Fact> {
  const { hostId, ...input } = order;
  const { broadcastId, epoch } = input;
  const summary = `encoder ${epoch} of ${broadcastId}${order.programme ? ', with the slate' : ''}`;
  try {
    const end = await encoderActivity(hostId).transcode.executeWithOptions({ summary }, [input]);
    return { kind: 'encoderEnded', broadcastId, epoch, end };
  } catch (error) {
    if (isCancellation(error)) throw error;
    const unreachable = error instanceof ActivityFailure && error.cause instanceof TimeoutFailure;
    return {
      kind: 'encoderEnded',
      broadcastId,
      epoch,
      end: { reason: reasonOf(error), detail: messageOf(error), mediaSeconds: 0, unreachable },
    };
  }
}

/** A host that refuses for good is there: that encoder has failed. One that takes or finishes nothing is lost. */
const reasonOf = (error: unknown): 'crashed' | 'host_lost' =>
  error instanceof ActivityFailure && error.cause instanceof ApplicationFailure && error.cause.nonRetryable ? 'crashed' : 'host_lost';

const messageOf = (error: unknown): string => {
  const cause = error instanceof Error ? ((error.cause as Error | undefined) ?? error) : error;
  return cause instanceof Error ? cause.message : String(cause);
};

/** From here on a workflow of its own takes care of it. One that runs already was started before. */
async function handOver(handOver: HandOver, stream: StreamInHand): Promise<void> {
  try {
    if (handOver.kind === 'delete') return await startRetention(handOver);
    const { broadcastId, hostId, epoch, publishId, finish } = handOver;
    const restreams = stream.restreams?.connectionsAt(hostId) ?? [];
    // Restreams hear first that they move: one that is only ended at the old host would take it for its end.
    await stream.restreams?.moved();
    await leaveHost({ broadcastId, hostId, epoch, publishId, restreams, finish });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
