import { requireNode } from './require-node.mjs';

requireNode();
import('./prepare.mjs').then(({ prepare, runMain }) =>
  runMain(async () => {
    await prepare({ development: true });
    const { ensureChromium } = await import('./chromium.mjs');
    process.env.CHROMIUM = ensureChromium() ?? '';
    // The drill reads its options from process.argv, as if started directly.
    await import('../../../dist/tools/drill/main.js');
  }),
);
