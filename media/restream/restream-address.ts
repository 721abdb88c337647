import type { DestinationAddress } from '../../domain/destination-url.js';
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
}

/** SRT options nobody may see, and their names in ffmpeg, whose own `-streamid` is something else. */
const SRT_HIDDEN: Record<string, string> = { streamid: 'srt_streamid', passphrase: 'passphrase' };

/** @param caFile PEM file of the authorities that RTMPS trusts; null for those of the system */
export function restreamAddress(address: DestinationAddress, caFile: string | null): RestreamAddress {
  const { scheme, host, port } = address;
  const url = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (address.scheme === 'srt') return srtAddress(address.options, url);
  const { app, playpath } = address;
  const [shown = ''] = app.split(/[/?]/);
  return {
    container: 'flv',
    url: `${url}/${shown}`,
    hidden: { rtmp_app: app, rtmp_playpath: playpath, rtmp_tcurl: `${url}/${app}` },
    options: scheme === 'rtmps' ? ['-tls_verify', '1', ...(caFile ? ['-ca_file', caFile] : [])] : [],
    secrets: [playpath, app, ...playpath.split('?'), ...app.split('?').slice(1)].filter((text) => text !== '' && text !== shown),
  };
}

function srtAddress(options: Record<string, string>, url: string): RestreamAddress {
  const hidden: Record<string, string> = {};
  const open: string[] = [];
  for (const [name, value] of Object.entries(options)) {
    const hiddenName = SRT_HIDDEN[name];
    if (hiddenName) hidden[hiddenName] = value;
    else open.push(`-${name}`, value);
  }
  return { container: 'mpegts', url, hidden, options: open, secrets: Object.values(hidden) };
}
