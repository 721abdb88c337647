/** Queue of workflows and of activities on Postgres. */
export const STREAMS_QUEUE = 'streams';

/** Queue of one media host's activities; stable over restarts, so that a restarted worker resumes its encoders. */
export const mediaQueue = (hostId: string): string => `media-${hostId}`;

export const streamWorkflowId = (streamId: string): string => `stream/${streamId}`;
export const retentionWorkflowId = (broadcastId: string): string => `retention/${broadcastId}`;
export const restreamWorkflowId = (broadcastId: string, destinationId: string): string => `restream/${broadcastId}/${destinationId}`;
/** @param moment the number of the last encoder there, or `end` */
export const formerHostWorkflowId = (broadcastId: string, hostId: string, moment: string): string =>
  `former-host/${broadcastId}/${hostId}/${moment}`;
