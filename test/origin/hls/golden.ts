import { readFileSync } from 'node:fs';
import { expect } from 'vitest';

/** Compares a whole playlist with the one in test/golden. */
export function expectGolden(text: string, name: string): void {
  expect(text).toBe(readFileSync(new URL(`../../golden/${name}.m3u8`, import.meta.url), 'utf8'));
}
