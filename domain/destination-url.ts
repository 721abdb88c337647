import { HoldfastError } from './errors.js';
import { isIpAddress } from './private-address.js';

/** Where one RTMP(S) destination is, in the parts ffmpeg takes: only `host` and `port` may be seen by others. */
export interface RtmpDestination {
  scheme: 'rtmp' | 'rtmps';
  /** Lower case; an IPv6 address without brackets. */
  host: string;
  port: number;
  /** `rtmp_app`; its query, if it has one, is secret. */
  app: string;
  /** `rtmp_playpath`: the stream key; secret. */
  playpath: string;
}

/** Where one SRT destination is. */
export interface SrtDestination {
  scheme: 'srt';
  host: string;
  port: number;
  /** Options of ffmpeg's srt protocol by its names; secret. */
  options: Record<string, string>;
}

export type DestinationAddress = RtmpDestination | SrtDestination;

/** Room for every platform's address; ffmpeg gets keys and queries in the lines of a file, which it cuts at 1000. */
export const MAX_DESTINATION_URL_LENGTH = 800;
export const MAX_DESTINATION_KEY_LENGTH = 512;

/** RTMP 1.0; RTMPS is the port of TLS, as all platforms have it. SRT has none. */
const DEFAULT_PORTS: Record<string, number | undefined> = { rtmp: 1935, rtmps: 443 };
const MAX_PORT = 65_535;

/** Option → the values SRT takes (libsrt's API, SRTO_*; ffmpeg: latency in microseconds). */
const SRT_OPTIONS: Record<string, RegExp> = {
  streamid: /^[\x21-\x7e]{1,512}$/,
  passphrase: /^[\x21-\x7e]{10,79}$/,
  pbkeylen: /^(16|24|32)$/,
  latency: /^\d{1,9}$/,
  mode: /^caller$/,
};

const PRINTABLE_ASCII = /^[\x21-\x7e]+$/;
/** A backslash is a slash to some readers of URLs: what is the host must not be a matter of opinion. */
const NOT_IN_URLS = /[^\x21-\x7e]|\\/;
const URL_FORM = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?$/i;
const HOST_PORT = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/i;

/**
 * Takes a destination apart, `streamKey` being the key if it is not in the URL. Throws `destination_url_invalid` with a
 * sentence that says what is wrong; it never repeats what was given.
 */
export function parseDestinationUrl(url: string, streamKey: string | null): DestinationAddress {
  const max = MAX_DESTINATION_URL_LENGTH;
  if (url.length > max) refuse(`The URL is longer than ${max} characters.`);
  if (streamKey !== null) checkKey(streamKey);
  if (/\s/.test(url)) refuse('The URL has spaces or line breaks.');
  if (NOT_IN_URLS.test(url)) {
    refuse('The URL has characters a URL cannot have; percent-encode them.');
  }
  const [, scheme = '', authority = '', path = '', query = '', fragment] = URL_FORM.exec(url) ?? [];
  const kind = scheme.toLowerCase();
  if (kind !== 'rtmp' && kind !== 'rtmps' && kind !== 'srt') {
    return refuse('The URL must start with rtmp://, rtmps:// or srt://.');
  }
  if (fragment !== undefined) refuse('The URL must not have a fragment (#).');
  const at = authority.lastIndexOf('@');
  const { host, port = DEFAULT_PORTS[kind] } = parseHostPort(authority.slice(at + 1));
  if (port === undefined) return refuse('An SRT URL needs a port: srt://host:port.');
  if (kind === 'srt') {
    if (at >= 0) refuse('SRT knows no user and password; use ?passphrase= and ?streamid=.');
    if (path !== '' && path !== '/') refuse('An SRT URL has no path; use ?streamid=.');
    return { scheme: kind, host, port, options: parseSrtOptions(query, streamKey) };
  }
  // ffmpeg takes them (Adobe authentication) from its arguments alone, where everybody on the machine could read them.
  if (at >= 0) refuse('A user and password in the URL cannot be kept secret and are not supported; use a stream key.');
  return { scheme: kind, host, port, ...splitRtmpPath(path, query, streamKey) };
}

/**
 * What may be shown of a destination: `rtmp://host:port/app/…`. No key, query, fragment, user or password, and of
 * the path the first part alone, since keys are put into the others.
 */
export function redactDestinationUrl(url: string, streamKey: string | null): string {
  const [, scheme = '', authority = '', path = ''] = URL_FORM.exec(url) ?? [];
  const hostPort = authority.slice(authority.lastIndexOf('@') + 1);
  if (!HOST_PORT.test(hostPort)) return HIDDEN;
  const server = `${scheme.toLowerCase()}://${hostPort}`;
  const [app, ...rest] = path.split('/').filter(Boolean);
  if (app === undefined) return server;
  return rest.length > 0 || streamKey !== null ? `${server}/${app}/${HIDDEN}` : `${server}/${HIDDEN}`;
}

const HIDDEN = '…';

function refuse(message: string): never {
  throw new HoldfastError('destination_url_invalid', message);
}

function checkKey(streamKey: string): void {
  if (streamKey.length > MAX_DESTINATION_KEY_LENGTH) {
    refuse(`The stream key is longer than ${MAX_DESTINATION_KEY_LENGTH} characters.`);
  }
  if (!PRINTABLE_ASCII.test(streamKey)) refuse('The stream key is empty, or has characters keys do not have.');
}

function parseHostPort(text: string): { host: string; port?: number } {
  if (text === '') refuse('The URL has no host.');
  const [, hostText = '', portText] = HOST_PORT.exec(text) ?? [];
  if (hostText === '') refuse('The host or port of the URL is not valid.');
  const port = portText === undefined ? undefined : Number(portText);
  if (port === 0 || (port ?? 0) > MAX_PORT) refuse('The port of the URL is not valid.');
  return { host: canonicalHost(hostText), port };
}

/** As resolvers would read it: 127.1 and 2130706433 are 127.0.0.1 (WHATWG URL, host parsing). */
function canonicalHost(text: string): string {
  let host: string;
  try {
    host = new URL(`http://${text}`).hostname.replace(/^\[|\]$/g, '');
  } catch {
    return refuse('The host of the URL is not valid.');
  }
  // One dot at the end is the root of the DNS.
  const isName = host
    .replace(/\.$/, '')
    .split('.')
    .every((label) => label !== '');
  if (!isName && !isIpAddress(host)) refuse('The host of the URL is not valid.');
  return host;
}

/** The application is everything before the key, as encoders split "server" and "stream key". */
function splitRtmpPath(path: string, query: string, streamKey: string | null): Pick<RtmpDestination, 'app' | 'playpath'> {
  const trimmed = path.replace(/^\/+/, '');
  const cut = streamKey === null ? trimmed.lastIndexOf('/') : trimmed.length;
  const app = trimmed.slice(0, Math.max(cut, 0)).replace(/\/+$/, '');
  const last = trimmed.slice(cut + 1);
  if (streamKey !== null) {
    if (app === '') refuse('The URL has no application: it must be rtmp://host/app, and the key in streamKey.');
    return { app: `${app}${query}`, playpath: streamKey };
  }
  if (app === '' || last === '') {
    refuse('The URL must end with application and stream key, rtmp://host/app/key; or send the key as streamKey.');
  }
  return { app, playpath: `${last}${query}` };
}

function parseSrtOptions(query: string, streamKey: string | null): Record<string, string> {
  const options: Record<string, string> = {};
  for (const pair of query.slice(1).split('&').filter(Boolean)) {
    const [name = '', ...rest] = pair.split('=');
    const form = Object.hasOwn(SRT_OPTIONS, name) ? SRT_OPTIONS[name] : undefined;
    if (!form) return refuse(`An SRT URL may have ${Object.keys(SRT_OPTIONS).join(', ')} after the ?, nothing else.`);
    const value = decode(rest.join('='));
    if (Object.hasOwn(options, name)) refuse(`The SRT URL has ${name} twice.`);
    if (!form.test(value)) refuse(`The ${name} of the SRT URL is not valid.`);
    options[name] = value;
  }
  if (streamKey !== null) {
    if (options.streamid !== undefined) refuse('Send streamKey or ?streamid=, not both: they are the same.');
    options.streamid = streamKey;
  }
  return options;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return refuse('The URL has a percent sign that encodes nothing.');
  }
}
