import { hash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip, gzipSync } from 'node:zlib';

/** Up to here (bytes) compressing takes less than a millisecond: the live playlists of any ladder. Above, it is another thread's work. */
const COMPRESSED_AT_ONCE = 64 * 1024;
/** Characters of a content's hash in an ETag; 96 bits. */
const ETAG_CHARACTERS = 16;

const compress = promisify(gzip);

/** A playlist as it is sent; rendered and compressed once per version, for everyone. */
export class RenderedPlaylist {
  /** Of the history it was rendered from. */
  readonly version: number;
  readonly plain: Buffer;
  /**
   * Names broadcast and content, not the version: one address shows broadcast after broadcast, and versions begin anew when the
   * origin does. A cache that has one of them must never be told that it is still the other.
   */
  readonly etag: string;
  #gzip: Buffer | Promise<Buffer> | null = null;

  constructor(broadcastId: string, version: number, text: string) {
    this.version = version;
    this.plain = Buffer.from(text);
    this.etag = `${broadcastId}-${hash('sha256', this.plain, 'base64url').slice(0, ETAG_CHARACTERS)}`;
  }

  /** A promise while it is being compressed. */
  get gzip(): Buffer | Promise<Buffer> {
    this.#gzip ??= this.plain.length <= COMPRESSED_AT_ONCE ? gzipSync(this.plain) : this.#compressAside();
    return this.#gzip;
  }

  async #compressAside(): Promise<Buffer> {
    const compressed = await compress(this.plain);
    this.#gzip = compressed;
    return compressed;
  }
}
