/** The one entry of the workflow bundle. */
export { retentionWorkflow } from './retention-workflow.js';
export { streamWorkflow } from './stream-workflow.js';
