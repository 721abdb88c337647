import { requireNode } from './require-node.mjs';

requireNode();
// Imported only now: what follows does not load on an old Node.
import('./prepare.mjs').then(({ prepare, runMain }) =>
  runMain(async () => {
    await prepare({ development: false });
    await import('../../../dist/tools/launcher/main.js');
  }),
);
