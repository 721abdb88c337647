import type { DestinationAddress } from '../../domain/destination-url.js';
import { isIpAddress } from '../../domain/private-address.js';
import type { RestreamContainer } from '../../domain/restream-plan.js';

/** One destination as ffmpeg is told of it. */
export interface RestreamAddress {
  container: RestreamContainer;
  /** Anybody may see it. */
  url: string;
  /** Options of the protocol that nobody may see. */
  hidden: Record<string, string>;
  /** Options of the protocol without secrets, `-name value`. */
  options: string[];
  /** Texts that must not be shown wherever the platform repeats them. */
  secrets: string[];
  /** ffmpeg looks the name up itself: where it connects is known only by looking at its connection. */
  resolves: boolean;
}

/** SRT options nobody may see, and their names in ffmpeg, whose own `-streamid` is something else. */
const SRT_HIDDEN: Record<string, string> = { streamid: 'srt_streamid', passphrase: 'passphrase' };

/**
 * ffmpeg connects to `ip`, so that nobody's answer to a second look-up decides where. Only RTMPS to a name has to resolve
 * again: FFmpeg 9 leaves out the server's name (SNI) for literals, and platforms then show no certificate of theirs
 * (`verifyhost` changes what is verified, not that). There nothing but a greeting leaves before the certificate of the name
 * has been verified; what is told of such a connection is in domain/restream-outcome.ts.
 *
 * @param caFile PEM file of the authorities that RTMPS trusts; null for those of the system
 * @param ip where to connect; without it nothing may be connected to
 */
export function restreamAddress(address: DestinationAddress, caFile: string | null, ip: string = address.host): RestreamAddress {
  const { scheme, host, port } = address;
  const resolves = scheme === 'rtmps' && !isIpAddress(host);
  const url = serverUrl(scheme, resolves ? host : ip, port);
  if (address.scheme === 'srt') return srtAddress(address.options, url);
  const { app, playpath } = address;
  const [shown = ''] = app.split(/[/?]/);
  return {
    container: 'flv',
    url: `${url}/${shown}`,
    hidden: { rtmp_app: app, rtmp_playpath: playpath, rtmp_tcurl: `${serverUrl(scheme, host, port)}/${app}` },
    options: scheme === 'rtmps' ? ['-tls_verify', '1', ...(caFile ? ['-ca_file', caFile] : [])] : [],
    secrets: [playpath, app, ...playpath.split('?'), ...app.split('?').slice(1)].filter((text) => text !== '' && text !== shown),
    resolves,
  };
}

const serverUrl = (scheme: string, host: string, port: number): string => `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;

function srtAddress(options: Record<string, string>, url: string): RestreamAddress {
  const hidden: Record<string, string> = {};
  const open: string[] = [];
  for (const [name, value] of Object.entries(options)) {
    const hiddenName = SRT_HIDDEN[name];
    if (hiddenName) hidden[hiddenName] = value;
    else open.push(`-${name}`, value);
  }
  return { container: 'mpegts', url, hidden, options: open, secrets: Object.values(hidden), resolves: false };
}
