import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { CatalogActivities } from '../activities/catalog.js';
import type { MediaActivities } from '../activities/media.js';
import { mediaQueue, STREAMS_QUEUE } from '../domain/task-queues.js';

/** Postgres may be away for minutes: its activities are tried until it is back. Failures in the table's terms end at once. */
export const catalog = proxyActivities<CatalogActivities>({
  taskQueue: STREAMS_QUEUE,
  startToCloseTimeout: '15 seconds',
  retry: { initialInterval: '200 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' },
});

/** Short commands to a media host. A host that does not take one in this time is gone, or its worker is. */
export const mediaCommands = (hostId: string) =>
  proxyActivities<MediaActivities>({
    taskQueue: mediaQueue(hostId),
    startToCloseTimeout: '20 seconds',
    scheduleToCloseTimeout: '60 seconds',
    retry: { initialInterval: '200 milliseconds', backoffCoefficient: 2, maximumInterval: '5 seconds' },
  });

/** A command that somebody else sees to when this host does not take it at once. */
export const promptCommands = (hostId: string) =>
  proxyActivities<MediaActivities>({
    taskQueue: mediaQueue(hostId),
    startToCloseTimeout: '8 seconds',
    scheduleToCloseTimeout: '10 seconds',
    retry: { initialInterval: '200 milliseconds', backoffCoefficient: 2, maximumInterval: '2 seconds' },
  });

/** The same, from a host that may be away for any time: files are deleted when it is back. Tries add nothing to the history. */
export const patientMediaCommands = (hostId: string) =>
  proxyActivities<MediaActivities>({
    taskQueue: mediaQueue(hostId),
    startToCloseTimeout: '60 seconds',
    retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '10 minutes' },
  });

/**
 * The encoder of a broadcast. heartbeatTimeout: longer than a restart of Temporal, short enough to notice a dead worker;
 * scheduleToStartTimeout: longer than a restart of the media worker. TRY_CANCEL: `stopTranscode` ends the encoder, so
 * ending never waits for a heartbeat.
 */
export const encoderActivity = (hostId: string) =>
  proxyActivities<MediaActivities>({
    taskQueue: mediaQueue(hostId),
    startToCloseTimeout: '8 days',
    scheduleToStartTimeout: '30 seconds',
    heartbeatTimeout: '10 seconds',
    cancellationType: ActivityCancellationType.TRY_CANCEL,
    retry: { initialInterval: '500 milliseconds', backoffCoefficient: 2, maximumInterval: '10 seconds' },
  });

/** A question to a media host that waits for its ingest, or for the host itself: asked until it is answered or of no use any more. */
export const enquiries = (hostId: string) =>
  proxyActivities<MediaActivities>({
    taskQueue: mediaQueue(hostId),
    startToCloseTimeout: '1 hour',
    heartbeatTimeout: '10 seconds',
    cancellationType: ActivityCancellationType.TRY_CANCEL,
    retry: { initialInterval: '500 milliseconds', backoffCoefficient: 1.5, maximumInterval: '2 seconds' },
  });

/**
 * For histories from before media hosts told it by a signal. What viewers wait for. Nothing playable in this time means there is
 * nothing to play.
 */
export const playableActivity = (hostId: string) =>
  proxyActivities<MediaActivities>({
    taskQueue: mediaQueue(hostId),
    startToCloseTimeout: '25 seconds',
    scheduleToCloseTimeout: '30 seconds',
    heartbeatTimeout: '10 seconds',
    cancellationType: ActivityCancellationType.TRY_CANCEL,
    retry: { initialInterval: '200 milliseconds', backoffCoefficient: 2, maximumInterval: '2 seconds' },
  });

/** One connection to a destination. Like an encoder it may run for days and is ended by `stopRestream`, not by its heartbeat. */
export const restreamActivity = encoderActivity;

/**
 * The polite end of a connection takes at most a few seconds; a worker that was killed in the middle of it is noticed this
 * soon, and the next one finds nothing left to close.
 */
export const farewell = (hostId: string) =>
  proxyActivities<MediaActivities>({
    taskQueue: mediaQueue(hostId),
    startToCloseTimeout: '6 seconds',
    scheduleToCloseTimeout: '60 seconds',
    retry: { initialInterval: '200 milliseconds', backoffCoefficient: 2, maximumInterval: '2 seconds' },
  });
