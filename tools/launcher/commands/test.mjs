import { requireNode } from './require-node.mjs';

requireNode();
import('./prepare.mjs').then(({ prepare, runMain }) =>
  runMain(async () => {
    await prepare({ development: true });
    const { runTests } = await import('./run-tests.mjs');
    process.exitCode = await runTests(process.argv.slice(2));
  }),
);
