/** The one entry of the workflow bundle. */
export { formerHostWorkflow } from './former-host-workflow.js';
export { restreamWorkflow } from './restream-workflow.js';
export { retentionWorkflow } from './retention-workflow.js';
export { streamWorkflow } from './stream-workflow.js';
