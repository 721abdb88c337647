import { describe, expect, it } from 'vitest';
import { classifyEnd } from '../../domain/restream-outcome.js';

const OPENING = (reason: string) => `[out#0/flv @ 0x1] [fatal] Error opening output rtmp://host/…: ${reason}
[error] Error opening output file rtmp://host/….
[fatal] Error opening output files: ${reason}`;
/** The lines of a log, without those of the opening. */
const LINES = (...lines: string[]): string => lines.join('\n');
const BROKEN_PIPE = `[vost#0:0/copy @ 0x1] [error] Error submitting a packet to the muxer: Broken pipe
[out#0/flv @ 0x1] [error] Error muxing a packet
[out#0/flv @ 0x1] [error] Task finished with error code: -32 (Broken pipe)
[out#0/flv @ 0x1] [error] Error writing trailer: Broken pipe
[out#0/flv @ 0x1] [error] Error closing file: Broken pipe`;

/** As FFmpeg 9.0 writes them, with `-loglevel level+warning`. */
const ENDS: [string, string, boolean, string, RegExp][] = [
  [
    'a key refused in words',
    `[rtmp @ 0x1] [error] Server error: Stream key not known\n${OPENING('Operation not permitted')}`,
    false,
    'destination_refused',
    /"Stream key not known".*Check the stream key/,
  ],
  [
    'an application refused',
    LINES(
      '[rtmp @ 0x1] [error] Unknown connect error (unsupported authentication method?)',
      '[rtmp @ 0x1] [error] Server error: No such application',
      OPENING('Unknown error occurred'),
    ),
    false,
    'destination_refused',
    /"No such application"/,
  ],
  ['a connection closed instead of an answer', OPENING('Input/output error'), false, 'destination_refused', /before it took the stream/],
  [
    'a connection closed right after the publish was accepted',
    LINES(
      '[vost#0:0/copy @ 0x1] [error] Error submitting a packet to the muxer: End of file',
      '[out#0/flv @ 0x1] [error] Error writing trailer: End of file',
    ),
    false,
    'destination_refused',
    /as soon as the stream began/,
  ],
  ['the same, noticed when writing', BROKEN_PIPE, false, 'destination_refused', /Check the stream key/],
  ['a platform that closed while it was live', BROKEN_PIPE, true, 'destination_lost', /\(Broken pipe\)/],
  [
    'a platform that said why while it was live',
    '[rtmp @ 0x1] [error] Server error: Session taken over',
    true,
    'destination_lost',
    /\(Session taken over\)/,
  ],
  [
    'no server at the port',
    LINES(
      '[tcp @ 0x1] [error] Connection to tcp://host:9?tcp_nodelay=0 failed: Connection refused',
      '[rtmp @ 0x1] [error] Cannot open connection tcp://host:9?tcp_nodelay=0',
      OPENING('Connection refused'),
    ),
    false,
    'destination_unreachable',
    /\(Connection refused\)/,
  ],
  [
    'no such name',
    `[tcp @ 0x1] [error] Failed to resolve hostname host.invalid: Name or service not known\n${OPENING('Input/output error')}`,
    false,
    'destination_unreachable',
    /host\.invalid was not found/,
  ],
  [
    'a certificate nobody vouches for',
    `[tls @ 0x1] [error] error:0A000086:SSL routines::certificate verify failed\n${OPENING('Input/output error')}`,
    false,
    'destination_unreachable',
    /certificate.*NODE_EXTRA_CA_CERTS/,
  ],
  [
    'no TLS at the port',
    `[tls @ 0x1] [error] error:0A0000F4:SSL routines::unexpected message\n${OPENING('Input/output error')}`,
    false,
    'destination_unreachable',
    /TLS.*rtmp or rtmps/,
  ],
  [
    'no RTMP at the port',
    `[rtmp @ 0x1] [error] Cannot read RTMP handshake response\n${OPENING('End of file')}`,
    false,
    'destination_unreachable',
    /no RTMP server/,
  ],
  [
    'a wrong SRT passphrase',
    LINES(
      '12:00:00.562397/SRT:RcvQ:w1!W:SRT.cn: @1: processConnectResponse: ' +
        'rejecting per reception of a rejection HS response: ERROR:BADSECRET',
      '[srt @ 0x1] [error] Connection to srt://host:9 failed: Input/output error',
      OPENING('Input/output error'),
    ),
    false,
    'destination_refused',
    /passphrase/,
  ],
  [
    'no SRT at the port',
    `[srt @ 0x1] [error] Connection to srt://host:9 failed: Input/output error\n${OPENING('Input/output error')}`,
    false,
    'destination_unreachable',
    /platform may be down/,
  ],
  ['a programme that ended', '', true, 'restream_source_lost', /programme/],
  [
    'a programme that broke off',
    '[in#0/flv @ 0x1] [error] Error during demuxing: Connection reset by peer',
    true,
    'restream_source_lost',
    /programme/,
  ],
  [
    "an ingest that is down, whose refused connection is not the platform's",
    LINES(
      '[tcp @ 0x1] [error] Connection to tcp://127.0.0.1:9 failed: Connection refused',
      '[in#0 @ 0x1] [error] Error opening input: Connection refused',
      '[error] Error opening input file http://127.0.0.1:9/….',
    ),
    false,
    'restream_source_lost',
    /programme/,
  ],
  [
    'a programme without media',
    '[in#0/flv @ 0x1] [fatal] could not find codec parameters\n[fatal] Error opening input files: Input/output error',
    false,
    'restream_source_lost',
    /programme/,
  ],
];

describe('the end of a connection', () => {
  it.each(ENDS)('%s', (_name, log, wasLive, code, detail) => {
    const outcome = classifyEnd({ log, wasLive });
    expect(outcome.code).toBe(code);
    expect(outcome.detail).toMatch(detail);
  });

  it("does not read replacement patterns in a server's words", () => {
    expect(classifyEnd({ log: '[rtmp @ 0x1] [error] Server error: pay $& now', wasLive: false }).detail).toContain('"pay $& now"');
  });

  describe('whose way to the platform is not to be told', () => {
    const unsecured = (words: string, reason: string): string =>
      `${words}\n[rtmps @ 0x1] [error] Cannot open connection tls://host:443\n${OPENING(reason)}`;
    it('is the same whatever it met there', () => {
      const met = [
        unsecured('[tcp @ 0x1] [error] Connection to tcp://host:443 failed: Connection refused', 'Connection refused'),
        unsecured('[tcp @ 0x1] [error] Connection to tcp://host:443 failed: Connection timed out', 'Connection timed out'),
        unsecured('[tls @ 0x1] [error] IO error: End of file', 'End of file'),
        unsecured('[tls @ 0x1] [error] error:0A00010B:SSL routines::wrong version number', 'Input/output error'),
        unsecured('[tls @ 0x1] [error] error:0A000086:SSL routines::certificate verify failed', 'Input/output error'),
        unsecured('[tcp @ 0x1] [error] Failed to resolve hostname host: Name or service not known', 'Input/output error'),
        '',
      ];
      const told = met.map((log) => classifyEnd({ log, wasLive: false, hidesFailure: true }));
      expect(told).toEqual(met.map(() => told[0]));
      expect(told[0]).toMatchObject({ code: 'destination_unreachable', detail: expect.stringMatching(/valid certificate/) as string });
      expect(new Set(met.map((log) => classifyEnd({ log, wasLive: false }).detail)).size).toBeGreaterThan(4);
    });

    it('is told as ever from the certificate on', () => {
      for (const [, log, wasLive, code] of ENDS.filter(([, log]) => !/tls|SSL|tcp:|resolve|^$/.test(log))) {
        expect(classifyEnd({ log, wasLive, hidesFailure: true }).code).toBe(code);
      }
    });
  });
});
