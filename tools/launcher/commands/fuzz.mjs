import { requireNode } from './require-node.mjs';

requireNode();
import('./prepare.mjs').then(({ prepare, runMain }) =>
  runMain(async () => {
    await prepare({ development: true });
    // The fuzz runner reads its options from process.argv, as if started directly.
    await import('../../../dist/tools/fuzz/main.js');
  }),
);
