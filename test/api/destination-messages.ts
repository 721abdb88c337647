import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { DestinationCommand } from '../../workflows/messages.js';

/** What the workflow of the destination tests was told, in order. */
export const commandsQuery = defineQuery<DestinationCommand[]>('commands');
/** Whether it has a broadcast. */
export const liveSignal = defineSignal<[boolean]>('live');
