import { condition, defineSignal, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import { STREAM_STATUS_ATTRIBUTE } from '../../../platform/temporal/search-attributes.js';
import { snapshotQuery, type StreamSnapshot } from '../../../workflows/messages.js';

export const becomesSignal = defineSignal<[StreamSnapshot]>('becomes');

/** Stands for a stream's workflow: it is what it is told to be, and completes once that is `ended`. */
export async function streamWorkflow(input: { snapshot: StreamSnapshot | null }): Promise<void> {
  let { snapshot } = input;
  const show = (): void => upsertSearchAttributes([{ key: STREAM_STATUS_ATTRIBUTE, value: snapshot?.status ?? 'live' }]);
  // A run from before there was this query answers none.
  if (snapshot) setHandler(snapshotQuery, () => snapshot!);
  setHandler(becomesSignal, (next) => {
    snapshot = next;
    show();
  });
  show();
  await condition(() => snapshot?.status === 'ended');
}
