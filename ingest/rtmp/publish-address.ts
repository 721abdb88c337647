export interface PublishAddress {
  /** First part of the path, `live` in `rtmp://host/live/key`. */
  app: string;
  streamKey: string;
}

/** An address up to its path. */
const ADDRESS = /^rtmp[a-z]*:\/\/[^/]*\/*/i;
/** An address of ours has under a hundred; what is longer is not worth asking Postgres about. */
const MAX_LENGTH = 1024;

/**
 * Where a publish goes, by what encoders make of an address and people of its two fields: slashes, blanks and line ends around
 * the key, a query behind it, the application or the whole address before it. Where more than one key could be meant, the name
 * stays in one piece, and is no key.
 *
 * @param app by appOf
 * @param name as it is published
 */
export function publishAddress(app: string, name: string): PublishAddress {
  const path = pathOf(name);
  // The whole address may stand in the server's field, and nothing in that of the key.
  const parts = (path === '' ? app : path).split('/');
  const [first = '', second] = parts;
  if (parts.length !== 2 || second === undefined) return { app, streamKey: path };
  const isOurs = path === '' || app === '' || app === first;
  return isOurs ? { app: first, streamKey: second } : { app, streamKey: path };
}

/** The application in what connect says of it: `live/`, `live?x=y`, `/live` and `rtmp://host/live` are one. Empty for anything else. */
export const appOf = (said: unknown): string => (typeof said === 'string' ? pathOf(said) : '');

/** Without address, query, blanks and the slashes around it. */
function pathOf(text: string): string {
  if (text.length > MAX_LENGTH) return '';
  const [path = ''] = text.split('?');
  return path
    .trim()
    .replace(ADDRESS, '')
    .replace(/^\/+|\/+$/g, '')
    .trim();
}
