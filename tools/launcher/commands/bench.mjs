import { requireNode } from './require-node.mjs';

requireNode();
import('./prepare.mjs').then(({ prepare, runMain }) =>
  runMain(async () => {
    await prepare({ development: true });
    // The benches read their names and options from process.argv, as if started directly.
    await import('../../../dist/tools/bench/main.js');
  }),
);
