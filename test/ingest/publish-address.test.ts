import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { appOf, publishAddress } from '../../ingest/rtmp/publish-address.js';

const KEY = 'sk_a1B2c3';
const ACCEPTED: [name: string, app: string][] = [
  [KEY, 'live'],
  [`/${KEY}`, 'live'],
  [`${KEY}/`, 'live'],
  [`//${KEY}//`, 'live'],
  [` ${KEY}`, 'live'],
  [`${KEY}\n`, 'live'],
  [`\t${KEY} \r\n`, 'live'],
  [`\uFEFF${KEY}\u00A0`, 'live'],
  [`${KEY}?token=a/b`, 'live'],
  [`${KEY}/?token=1`, 'live'],
  [`${KEY} ?token=1`, 'live'],
  [`live/${KEY}`, 'live'],
  [`/live/${KEY}/`, 'live'],
  [`rtmp://host/live/${KEY}`, 'live'],
  [` rtmp://host:1935/live/${KEY}\n`, 'live'],
  [`RTMPS://user@host:443//live/${KEY}?x=y`, 'live'],
  [`rtmp://host/${KEY}`, 'live'],
  [`live/${KEY}`, ''],
  [`rtmp://host/live/${KEY}`, ''],
  ['', `live/${KEY}`],
  ['/', `live/${KEY}`],
];
const KEPT: [name: string, app: string, streamKey: string][] = [
  ['sk_one/sk_two', 'live', 'sk_one/sk_two'],
  ['sk_one sk_two', 'live', 'sk_one sk_two'],
  ['sk_one\nsk_two', 'live', 'sk_one\nsk_two'],
  [`live/${KEY}/more`, 'live', `live/${KEY}/more`],
  [`other/${KEY}`, 'live', `other/${KEY}`],
  [`rtmp://host/other/${KEY}`, 'live', `other/${KEY}`],
  [`rtmp://host/live/${KEY}/sk_two`, 'live', `live/${KEY}/sk_two`],
  ['', 'live', ''],
  ['rtmp://host/', 'live', ''],
  [`https://host/live/${KEY}`, 'live', `https://host/live/${KEY}`],
];

describe('the address of a publish', () => {
  it.each(ACCEPTED)('%j of %j is the key alone', (name, app) => {
    expect(publishAddress(app, name).streamKey).toBe(KEY);
    if (app !== '' || name.includes('live')) expect(publishAddress(app, name).app).toBe('live');
  });

  it.each(KEPT)('%j of %j is ambiguous, or no key: it stays in one piece', (name, app, streamKey) => {
    expect(publishAddress(app, name)).toEqual({ app, streamKey });
  });

  const key = fc.stringMatching(/^sk_[A-Za-z0-9]{1,24}$/);
  const around = fc.constantFrom('', ' ', '\n', '/', '//', 'live/', '/live/', 'rtmp://host/live/', 'rtmp://host/', '?a=b', '/?a', 'other/');
  const behindIt = fc.constantFrom('', ' ', '\n', '/', '//', '?a=b', '/?a=b', ' ?a', '/more', ' more');

  it('never becomes another key than the only one that was said', () => {
    fc.assert(
      fc.property(key, around, behindIt, fc.constantFrom('live', ''), (said, before, behind, app) => {
        const { streamKey } = publishAddress(app, before + said + behind);
        // Behind a query there is no key at all; what has more in it than a key is none either.
        const isNone = /[^A-Za-z0-9_]/.test(streamKey) || streamKey === '' || !streamKey.startsWith('sk_');
        expect(streamKey === said || isNone).toBe(true);
      }),
    );
  });

  it('never is one of two keys, whichever way they are put together within an application', () => {
    fc.assert(
      fc.property(key, key, fc.constantFrom('/', ' ', '\n', '//', ' / ', ','), around, behindIt, (one, two, between, before, behind) => {
        fc.pre(!before.includes('?'));
        const { streamKey } = publishAddress('live', before + one + between + two + behind);
        expect([one, two]).not.toContain(streamKey);
      }),
    );
  });

  it('longer than any address of ours is none', () => {
    expect(publishAddress('live', 'x'.repeat(1025))).toEqual({ app: 'live', streamKey: '' });
    expect(appOf(`${'/'.repeat(60_000)}x`)).toBe('');
  });

  it('only ever gets shorter', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (app, name) => {
        const address = publishAddress(appOf(app), name);
        expect(publishAddress(address.app, address.streamKey).streamKey.length).toBeLessThanOrEqual(address.streamKey.length + app.length);
      }),
    );
  });
});

it.each([
  ['live', 'live'],
  ['live/', 'live'],
  ['/live', 'live'],
  ['live?x=y', 'live'],
  [' live\n', 'live'],
  ['rtmp://host:1935/live', 'live'],
  [`rtmp://host/live/${KEY}`, `live/${KEY}`],
  [null, ''],
  [7, ''],
])('%j is the application %j', (said, app) => {
  expect(appOf(said)).toBe(app);
});
