import type { RestreamEnd } from './destination.js';

export interface EndedConnection {
  /** The last lines of ffmpeg's log, secrets redacted. */
  log: string;
  /** The platform had taken media for a while. */
  wasLive: boolean;
  /**
   * It looked the name of the platform up itself (RTMPS) where private addresses may not be reached: what it met before the
   * certificate was verified is the same answer whatever it was, or whoever owns the name could explore this network.
   */
  hidesFailure?: boolean;
}

export type RestreamOutcome = Pick<RestreamEnd, 'detail'> & { code: Exclude<RestreamEnd['code'], 'stopped'> };

interface Rule {
  /** In words of ffmpeg 9 and of the libraries it uses. */
  words: RegExp;
  code: 'refused' | RestreamOutcome['code'];
  /** `$1`: what the words caught. */
  detail: string;
}

const CHECK_KEY = 'Check the stream key, and that the platform expects a stream now.';

/** The first that fits; those that name a cause come before those that only name a consequence. */
const RULES: readonly Rule[] = [
  { words: /Server error: (.+)/, code: 'refused', detail: `The platform refused the stream: "$1". ${CHECK_KEY}` },
  {
    words: /Failed to resolve hostname (\S+):/,
    code: 'destination_unreachable',
    detail: 'The name $1 was not found. Check the host in the URL.',
  },
  {
    words: /certificate verify failed/,
    code: 'destination_unreachable',
    detail:
      'The certificate of the platform is not valid for this host. Check the host; a private authority goes into NODE_EXTRA_CA_CERTS.',
  },
  {
    words: /SSL routines::(.+)|\[tls @/,
    code: 'destination_unreachable',
    detail: 'No TLS connection could be made. Check port and scheme (rtmp or rtmps).',
  },
  {
    words: /Cannot read RTMP handshake/,
    code: 'destination_unreachable',
    detail: 'There is no RTMP server at this port. Check port and scheme (rtmp or rtmps).',
  },
  {
    words: /(?:tcp|udp):\S+ failed: (.+)/,
    code: 'destination_unreachable',
    detail: 'No connection could be made ($1). Check host and port; the platform may be down.',
  },
  { words: /SRT:.*(?:reject|ERROR:)/i, code: 'refused', detail: 'The platform refused the stream. Check passphrase and stream id.' },
  {
    words: /srt:\S+ failed: (.+)/,
    code: 'destination_unreachable',
    detail: 'No connection could be made ($1). Check host and port; the platform may be down.',
  },
  { words: /Error opening output/, code: 'refused', detail: `The platform closed the connection before it took the stream. ${CHECK_KEY}` },
  {
    words: /(?:Error submitting a packet to the muxer|Error muxing a packet|Error writing trailer): (.+)/,
    code: 'refused',
    detail: `The platform closed the connection as soon as the stream began. ${CHECK_KEY}`,
  },
];
/** ffmpeg could not read the programme; its own connection refused is no fault of the platform. */
const NO_INPUT = /Error opening input|could not find codec parameters/;
const LOST_WORDS = /(?:Server error|Error submitting a packet to the muxer|Error writing trailer): (.+)/;

const SOURCE_LOST: RestreamOutcome = {
  code: 'restream_source_lost',
  detail: 'The programme to send was interrupted; sending starts again.',
};

/** What FFmpeg 9 says of every connection that did not come to a verified certificate. */
const NOT_SECURED = /Cannot open connection tls:/;
const NOT_REACHED: RestreamOutcome = {
  code: 'destination_unreachable',
  detail:
    'No TLS connection could be made to a server with a valid certificate of this host. Check host, port and scheme ' +
    '(rtmp or rtmps); the platform may be down. A private authority goes into NODE_EXTRA_CA_CERTS.',
};

/**
 * Why a connection ended that nobody stopped. A platform that had taken the stream has lost it, whatever it said; one that
 * never had has refused it or was not reached.
 */
export function classifyEnd({ log, wasLive, hidesFailure = false }: EndedConnection): RestreamOutcome {
  if (NO_INPUT.test(log)) return SOURCE_LOST;
  const rule = RULES.find(({ words }) => words.test(log));
  // One that was killed on its way has said nothing.
  if (hidesFailure && !wasLive && (!rule || NOT_SECURED.test(log))) return NOT_REACHED;
  if (!rule) return SOURCE_LOST;
  if (wasLive) {
    const said = LOST_WORDS.exec(log)?.[1];
    return { code: 'destination_lost', detail: `The platform closed the connection${said ? ` (${said.trim()})` : ''}.` };
  }
  const caught = rule.words.exec(log)?.[1]?.trim() ?? '';
  return { code: rule.code === 'refused' ? 'destination_refused' : rule.code, detail: rule.detail.replace('$1', () => caught) };
}
