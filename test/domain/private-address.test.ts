import { describe, expect, it } from 'vitest';
import { isIpAddress, isPrivateAddress, isPrivateHost } from '../../domain/private-address.js';

/** First and last address of every block, and their neighbours outside. */
const PRIVATE = [
  '0.0.0.0',
  '0.255.255.255',
  '10.0.0.0',
  '10.255.255.255',
  '100.64.0.0',
  '100.127.255.255',
  '127.0.0.1',
  '127.255.255.255',
  '169.254.0.0',
  '169.254.169.254',
  '169.254.255.255',
  '172.16.0.0',
  '172.31.255.255',
  '192.0.0.1',
  '192.0.2.1',
  '192.168.0.0',
  '192.168.255.255',
  '198.18.0.0',
  '198.19.255.255',
  '198.51.100.7',
  '203.0.113.9',
  '224.0.0.0',
  '239.255.255.255',
  '240.0.0.0',
  '255.255.255.255',
  '::',
  '::1',
  '::0001',
  '0:0:0:0:0:0:0:1',
  '::127.0.0.1',
  '::ffff:10.0.0.1',
  '::ffff:a00:1',
  '::FFFF:127.0.0.1',
  '64:ff9b::192.168.1.1',
  '64:ff9b:1::1',
  '100::1',
  '2001::1',
  '2001:1ff:ffff::',
  '2001:db8::1',
  '2002:7f00:1::',
  '2002:c0a8:101::1',
  '3fff:fff::1',
  '5f00::1',
  'fc00::',
  'fdff:ffff::1',
  'fe80::1',
  'fe80::1%eth0',
  'febf::1',
  'fec0::1',
  'ff02::1',
];
const PUBLIC = [
  '1.0.0.0',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.0',
  '169.253.255.255',
  '169.255.0.0',
  '172.15.255.255',
  '172.32.0.0',
  '192.0.1.0',
  '192.167.255.255',
  '192.169.0.0',
  '198.17.255.255',
  '198.20.0.0',
  '223.255.255.255',
  '8.8.8.8',
  '::ffff:8.8.8.8',
  '::ffff:808:808',
  '64:ff9b::8.8.8.8',
  '2001:200::1',
  '2001:4860:4860::8888',
  '2002:808:808::1',
  '2606:4700:4700::1111',
  '2a00:1450:4001:82a::200e',
  'fbff::1',
  '64:ff9b:2::1',
  '4000::1',
];
const NO_ADDRESS = [
  '',
  'localhost',
  'live.test',
  '1.2.3',
  '1.2.3.4.5',
  '256.1.1.1',
  '1.2.3.-4',
  '0x7f.0.0.1',
  ' 1.2.3.4',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7::8',
  '12345::',
  'g::1',
  '::1.2.3',
  '::256.0.0.1',
  '[::1]',
  '::1%a%b',
  '%eth0',
];

describe('an address', () => {
  it.each(PRIVATE)('%s is private', (ip) => {
    expect([isIpAddress(ip), isPrivateAddress(ip)]).toEqual([true, true]);
  });

  it.each(PUBLIC)('%s is public', (ip) => {
    expect([isIpAddress(ip), isPrivateAddress(ip)]).toEqual([true, false]);
  });

  it.each(NO_ADDRESS)('%j is none, so nothing is allowed to it', (text) => {
    expect([isIpAddress(text), isPrivateAddress(text)]).toEqual([false, true]);
  });
});

describe('a host', () => {
  it.each(['localhost', 'LocalHost.', 'a.localhost', '127.0.0.1', '::1', '10.1.2.3'])('%s is private without asking a resolver', (host) => {
    expect(isPrivateHost(host)).toBe(true);
  });

  it.each(['live.twitch.tv', 'localhost.example', 'notlocalhost', '8.8.8.8', '2606:4700::1'])(
    '%s is left to the resolver, or public',
    (host) => {
      expect(isPrivateHost(host)).toBe(false);
    },
  );
});
