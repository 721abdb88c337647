import { readFileSync, writeFileSync } from 'node:fs';
import { build } from './build.mjs';

await build();
const { withSettingsTable } = await import('../../dist/platform/config/settings-table.js');
const readme = new URL('../../README.md', import.meta.url);
writeFileSync(readme, withSettingsTable(readFileSync(readme, 'utf8')));
