import { describe, expect, it } from 'vitest';
import { parseDestinationUrl, redactDestinationUrl } from '../../domain/destination-url.js';
import { HoldfastError } from '../../domain/errors.js';
import { isPrivateHost } from '../../domain/private-address.js';
import { destinationLabel, PLATFORM_IDS, PLATFORMS } from '../../domain/platforms.js';

const rtmp = (parts: Record<string, unknown>) => ({ scheme: 'rtmp', host: 'a.test', port: 1935, app: 'live', playpath: 'KEY', ...parts });

/** URL, key, what it is taken for, what is shown of it. */
const GOOD: [string, string | null, Record<string, unknown>, string][] = [
  ['rtmp://a.test/live', 'KEY', rtmp({}), 'rtmp://a.test/live/…'],
  ['rtmp://a.test/live/', 'KEY', rtmp({}), 'rtmp://a.test/live/…'],
  ['rtmp://a.test/live/KEY', null, rtmp({}), 'rtmp://a.test/live/…'],
  ['RTMP://A.Test:1936/live/KEY', null, rtmp({ port: 1936 }), 'rtmp://A.Test:1936/live/…'],
  ['rtmps://a.test/live', 'KEY', rtmp({ scheme: 'rtmps', port: 443 }), 'rtmps://a.test/live/…'],
  ['rtmp://a.test/live/instance/KEY', null, rtmp({ app: 'live/instance' }), 'rtmp://a.test/live/…'],
  ['rtmp://a.test/live/instance', 'KEY', rtmp({ app: 'live/instance' }), 'rtmp://a.test/live/…'],
  ['rtmp://a.test/live/KEY?auth=SECRET', null, rtmp({ playpath: 'KEY?auth=SECRET' }), 'rtmp://a.test/live/…'],
  ['rtmp://a.test/live?auth=SECRET', 'KEY', rtmp({ app: 'live?auth=SECRET' }), 'rtmp://a.test/live/…'],
  ['rtmp://a.test/live', 'KEY?s_bl=1&a=b/c', rtmp({ playpath: 'KEY?s_bl=1&a=b/c' }), 'rtmp://a.test/live/…'],
  ['rtmp://my_host/live', 'KEY', rtmp({ host: 'my_host' }), 'rtmp://my_host/live/…'],
  ['rtmp://[2001:DB8::1]:1936/live', 'KEY', rtmp({ host: '2001:db8::1', port: 1936 }), 'rtmp://[2001:DB8::1]:1936/live/…'],
  ['rtmp://2130706433/live', 'KEY', rtmp({ host: '127.0.0.1' }), 'rtmp://2130706433/live/…'],
  ['rtmp://0x7f.1/live', 'KEY', rtmp({ host: '127.0.0.1' }), 'rtmp://0x7f.1/live/…'],
  ['srt://a.test:9000', null, { scheme: 'srt', host: 'a.test', port: 9000, options: {} }, 'srt://a.test:9000'],
  ['srt://a.test:9000', 'KEY', { scheme: 'srt', host: 'a.test', port: 9000, options: { streamid: 'KEY' } }, 'srt://a.test:9000'],
  [
    'srt://a.test:9000/?mode=caller&streamid=%23!::r=KEY&passphrase=SECRET-TEN&pbkeylen=16&latency=200000',
    null,
    {
      scheme: 'srt',
      host: 'a.test',
      port: 9000,
      options: { mode: 'caller', streamid: '#!::r=KEY', passphrase: 'SECRET-TEN', pbkeylen: '16', latency: '200000' },
    },
    'srt://a.test:9000',
  ],
];

/** URL, key, part of the reason. */
const BAD: [string, string | null, RegExp][] = [
  ['', 'KEY', /must start with/],
  ['a.test/live', 'KEY', /must start with/],
  ['http://a.test/live', 'KEY', /must start with rtmp:\/\/, rtmps:\/\/ or srt:\/\//],
  ['file:///etc/passwd', 'KEY', /must start with/],
  ['rtmpt://a.test/live', 'KEY', /must start with/],
  ['rtmp:/a.test/live', 'KEY', /must start with/],
  ['rtmp:///live', 'KEY', /no host/],
  ['rtmp://user@/live', 'KEY', /no host/],
  ['rtmp://user:SECRET@a.test/live', 'KEY', /user and password/],
  ['rtmps://u:S@CRET@a.test/live/KEY', null, /user and password/],
  ['rtmp://:1935/live', 'KEY', /host or port/],
  ['rtmp://a.test:/live', 'KEY', /host or port/],
  ['rtmp://a.test:port/live', 'KEY', /host or port/],
  ['rtmp://a.test:0/live', 'KEY', /port/],
  ['rtmp://a.test:65536/live', 'KEY', /port/],
  ['rtmp://1.2.3.256/live', 'KEY', /host/],
  ['rtmp://[::1/live', 'KEY', /host or port/],
  ['rtmp://[1:2]/live', 'KEY', /host/],
  ['rtmp://a..b/live', 'KEY', /host/],
  ['rtmp://%31%32%37.0.0.1/live', 'KEY', /host/],
  ['rtmp://a.test', 'KEY', /no application/],
  ['rtmp://a.test/', 'KEY', /no application/],
  ['rtmp://a.test/live', null, /application and stream key/],
  ['rtmp://a.test/live/', null, /application and stream key/],
  ['rtmp://a.test//KEY', null, /application and stream key/],
  ['rtmp://a.test', null, /application and stream key/],
  ['rtmp://a.test/live#part', 'KEY', /fragment/],
  [' rtmp://a.test/live', 'KEY', /spaces/],
  ['rtmp://a.test/li ve', 'KEY', /spaces/],
  ['rtmp://a.test/live\n-f flv', 'KEY', /line breaks/],
  ['rtmp://a.test/live\0', 'KEY', /characters a URL cannot have/],
  ['rtmp://ä.test/live', 'KEY', /characters a URL cannot have/],
  ['rtmp://a.test\\@b.test/live', 'KEY', /characters a URL cannot have/],
  [`rtmp://a.test/${'x'.repeat(800)}`, 'KEY', /longer than 800/],
  ['rtmp://a.test/live', '', /stream key is empty/],
  ['rtmp://a.test/live', 'K Y', /stream key/],
  ['rtmp://a.test/live', 'KEY\nrtmp_app=other', /stream key/],
  ['rtmp://a.test/live', 'K'.repeat(513), /longer than 512/],
  ['srt://a.test', null, /needs a port/],
  ['srt://u:p@a.test:9000', null, /no user and password/],
  ['srt://a.test:9000/live', null, /no path/],
  ['srt://a.test:9000?mode=listener', null, /mode/],
  ['srt://a.test:9000?SECRET=1', null, /nothing else/],
  ['srt://a.test:9000?__proto__=1', null, /nothing else/],
  ['srt://a.test:9000?passphrase=short', null, /passphrase/],
  ['srt://a.test:9000?streamid=a%0Ab', null, /streamid/],
  ['srt://a.test:9000?streamid=%', null, /percent/],
  ['srt://a.test:9000?latency=1&latency=2', null, /twice/],
  ['srt://a.test:9000?streamid=a', 'KEY', /not both/],
];

describe('a destination URL', () => {
  it.each(GOOD)('%s with key %s is taken apart, and shown without its secrets', (url, key, parts, shown) => {
    expect(parseDestinationUrl(url, key)).toEqual(parts);
    expect(redactDestinationUrl(url, key)).toBe(shown);
    expect(shown).not.toMatch(/KEY|SECRET|user/);
  });

  it.each(BAD)('%j with key %j is refused with the reason, which repeats nothing of it', (url, key, reason) => {
    let refusal: unknown;
    try {
      parseDestinationUrl(url, key);
    } catch (error) {
      refusal = error;
    }
    if (!(refusal instanceof HoldfastError)) throw new Error('it was taken');
    expect(refusal.code).toBe('destination_url_invalid');
    expect(refusal.message).toMatch(reason);
    expect(refusal.message).not.toMatch(/a\.test|KEY|SECRET|passwd/);
    expect(redactDestinationUrl(url, key)).not.toMatch(/KEY|SECRET|user/);
  });
});

describe('a platform', () => {
  it.each(PLATFORM_IDS)('%s has an address on the public internet that only lacks a key', (id) => {
    const { name, url } = PLATFORMS[id];
    const address = parseDestinationUrl(url, 'KEY');
    expect(address).toMatchObject({ scheme: expect.stringMatching(/^rtmps?$/), playpath: 'KEY' });
    expect(isPrivateHost(address.host)).toBe(false);
    expect(() => parseDestinationUrl(url, null)).toThrow(/stream key/);
    expect(destinationLabel(null, id)).toBe(name);
    expect(destinationLabel('Mine', id)).toBe('Mine');
  });

  it('or a name is not needed to be called something', () => {
    expect(destinationLabel(null, null)).toBe('Destination');
  });
});
