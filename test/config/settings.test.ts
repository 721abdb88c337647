import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EnvironmentError, readEnvironment } from '../../config/env.js';
import { withSettingsTable } from '../../config/settings-table.js';

describe('settings', () => {
  it('of the README are those of the code (else: npm run docs)', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    expect(withSettingsTable(readme)).toBe(readme);
  });

  it('need no variable to be set', () => {
    expect(readEnvironment({})).toMatchObject({ HOLDFAST_API_PORT: 8080, HOLDFAST_HOST_ID: 'local' });
  });

  it('treat an empty variable as not set', () => {
    expect(readEnvironment({ HOLDFAST_API_PORT: '' }).HOLDFAST_API_PORT).toBe(8080);
  });

  it.each([
    ['HOLDFAST_API_PORT', 'eighty'],
    ['HOLDFAST_RTMP_PORT', '70000'],
    ['HOLDFAST_TEMPORAL_ADDRESS', 'http://temporal'],
    ['HOLDFAST_DATABASE_URL', 'mysql://x'],
    ['HOLDFAST_MASTER_KEY', 'short'],
    ['HOLDFAST_HOST_ID', 'a b'],
    ['HOLDFAST_VIDEO_ENCODER', 'libx266'],
    ['HOLDFAST_API_PROT', '8080'],
  ])('name the bad variable %s', (name, value) => {
    expect(() => readEnvironment({ [name]: value })).toThrow(EnvironmentError);
    expect(() => readEnvironment({ [name]: value })).toThrow(name);
  });

  it('name every bad variable at once', () => {
    expect(() => readEnvironment({ HOLDFAST_API_PORT: 'x', HOLDFAST_RTMP_PORT: 'y' })).toThrow(/HOLDFAST_API_PORT[\s\S]*HOLDFAST_RTMP_PORT/);
  });
});
