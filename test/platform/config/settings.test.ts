import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { addressesOf } from '../../../platform/config/addresses.js';
import { EnvironmentError, readEnvironment } from '../../../platform/config/env.js';
import { withSettingsTable } from '../../../platform/config/settings-table.js';

describe('settings', () => {
  it('of the README are those of the code (else: npm run docs)', () => {
    const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
    expect(withSettingsTable(readme)).toBe(readme);
  });

  it('need no variable to be set', () => {
    expect(readEnvironment({})).toMatchObject({ HOLDFAST_API_PORT: 8080, HOLDFAST_HOST_ID: 'local' });
  });

  it('take a public address with a slash at its end, or without', () => {
    const env = readEnvironment({
      HOLDFAST_PUBLIC_PLAYBACK_URL: 'https://live.example.com/',
      HOLDFAST_PUBLIC_API_URL: 'https://example.com/api//',
      HOLDFAST_PUBLIC_RTMP_URL: 'rtmp://live.example.com/live/',
    });
    expect(addressesOf(env)).toMatchObject({
      playback: 'https://live.example.com',
      api: 'https://example.com/api',
      rtmp: 'rtmp://live.example.com/live',
    });
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
    ['HOLDFAST_TLS_KEY', '/etc/key.pem'],
    ['HOLDFAST_TLS_CERT', '/etc/cert.pem'],
    ['HOLDFAST_TRUSTED_PROXIES', '10.0.0.0/33'],
    ['HOLDFAST_TRUSTED_PROXIES', 'proxy.example.com'],
    ['HOLDFAST_VIEWER_CONNECTIONS', '-1'],
    ['HOLDFAST_SEGMENT_CACHE_MIB', '4'],
    ['HOLDFAST_SEGMENT_CACHE_MIB', '128MiB'],
  ])('name the bad variable %s', (name, value) => {
    expect(() => readEnvironment({ [name]: value })).toThrow(EnvironmentError);
    expect(() => readEnvironment({ [name]: value })).toThrow(name);
  });

  it('show playback over HTTPS when a certificate is set', () => {
    const env = readEnvironment({ HOLDFAST_TLS_CERT: 'cert.pem', HOLDFAST_TLS_KEY: '/etc/key.pem', HOLDFAST_PLAYBACK_PORT: '9443' });
    expect(addressesOf(env).playback).toBe('https://127.0.0.1:9443');
    expect(env.HOLDFAST_TLS_CERT).toBe(resolve('cert.pem'));
    expect(addressesOf(readEnvironment({})).playback).toBe('http://127.0.0.1:8888');
  });

  it('take several proxies', () => {
    expect(readEnvironment({ HOLDFAST_TRUSTED_PROXIES: '10.0.0.0/8, 2001:db8::/32,192.0.2.1' }).HOLDFAST_TRUSTED_PROXIES).toEqual([
      '10.0.0.0/8',
      '2001:db8::/32',
      '192.0.2.1',
    ]);
  });

  it('name every bad variable at once', () => {
    expect(() => readEnvironment({ HOLDFAST_API_PORT: 'x', HOLDFAST_RTMP_PORT: 'y' })).toThrow(
      /HOLDFAST_API_PORT[\s\S]*HOLDFAST_RTMP_PORT/,
    );
  });
});
