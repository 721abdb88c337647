import type { Answer } from './viewers-connection.js';
import { ViewerConnection } from './viewers-connection.js';
import { SecureViewer } from './viewers-h2.js';
import { PlaylistReader, type FollowedPlaylist } from './viewers-playlist.js';

/*
 * The viewers of the viewers bench, in a process of their own: `node viewers-load.js <JSON of LoadOptions>`. They follow
 * until the window is over, then say what they saw in one message to the parent.
 */

export interface LoadOptions {
  host: string;
  port: number;
  /** Folder addresses of the media playlists each viewer follows, `/playback/broadcast/720p/`. */
  tracks: string[];
  viewers: number;
  /** Requests that are held on each playlist beside; these download nothing. */
  held: number;
  rampMs: number;
  settleMs: number;
  measureMs: number;
  /** Each viewer adds a parameter of its own to every address, as trackers do. */
  foreignQuery: boolean;
  /** HTTP/2 over TLS, one connection a viewer; else HTTP/1.1, one for each request that is under way. */
  h2: boolean;
}

export interface LoadReport {
  /** Milliseconds from listing at the origin to the last byte here. */
  parts: number[];
  playlists: number[];
  partBytes: number;
  answers: number;
  errors: Record<string, number>;
}

export type LoadMessage = { kind: 'measuring' } | { kind: 'measured' } | { kind: 'report'; report: LoadReport };

type Connection = Pick<ViewerConnection, 'get' | 'close'>;

const HTTP_OK = 200;
const RETRY_MS = 200;

class Load {
  readonly report: LoadReport = { parts: [], playlists: [], partBytes: 0, answers: 0, errors: {} };
  #options: LoadOptions;
  #reader = new PlaylistReader();
  #connections: Connection[] = [];
  #publishedAt = new Map<string, number>();
  /** When each playlist showed its newest part; joined with the time of the part at the end. */
  #seen: { part: string; receivedAt: number }[] = [];
  #measuring = false;
  #over = false;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  async run(): Promise<void> {
    const { viewers, held, tracks, rampMs, settleMs, measureMs } = this.#options;
    const all = [
      ...Array.from({ length: viewers }, (_viewer, index) => () => {
        const connection = this.#connectionsOfViewer();
        for (const track of tracks) this.#follow(track, true, index, connection);
      }),
      ...Array.from({ length: held }, (_viewer, index) => () => this.#follow(tracks[0]!, false, index, this.#connectionsOfViewer())),
    ];
    for (const [index, start] of all.entries()) setTimeout(start, (index * rampMs) / all.length);
    await after(rampMs + settleMs);
    this.#measuring = true;
    tell({ kind: 'measuring' });
    await after(measureMs);
    this.#measuring = false;
    tell({ kind: 'measured' });
    // Parts on their way still tell when they were listed.
    await after(settleMs / 4);
    this.#over = true;
    for (const connection of this.#connections) connection.close();
    for (const { part, receivedAt } of this.#seen) {
      const publishedAt = this.#publishedAt.get(part);
      if (publishedAt !== undefined) this.report.playlists.push(receivedAt - publishedAt);
    }
  }

  /** A playlist reloaded with every part, and each part asked for as soon as it is hinted. */
  #follow(track: string, downloads: boolean, viewer: number, connection: () => Connection): void {
    const own = this.#options.foreignQuery ? `viewer=${viewer}` : '';
    const playlists = connection();
    const parts = downloads ? connection() : null;
    let wanted = '';
    let loading = false;
    const load = (): void => {
      if (loading || !parts || wanted === '') return;
      loading = true;
      const part = wanted;
      parts.get(`${track}${part}?${own}`, false, (answer) => {
        loading = false;
        this.#takePart(track + part, answer);
        if (wanted !== part) load();
      });
    };
    const take = (answer: Answer): void => {
      const playlist = this.#takePlaylist(track, answer);
      if (this.#over) return;
      if (!playlist) return void setTimeout(() => reload(''), RETRY_MS);
      wanted = playlist.hint;
      load();
      reload(`${playlist.next}&`);
    };
    const reload = (query: string): void => playlists.get(`${track}index.m3u8?${query}${own}`, true, take);
    reload('');
  }

  /** What a viewer gets its connections from. */
  #connectionsOfViewer(): () => Connection {
    if (!this.#options.h2) return () => this.#connect(ViewerConnection);
    const one = this.#connect(SecureViewer);
    return () => one;
  }

  #connect(Kind: typeof ViewerConnection | typeof SecureViewer): Connection {
    const { host, port } = this.#options;
    const connection = new Kind(host, port, (reason) => {
      if (!this.#over) this.#fail(reason);
    });
    this.#connections.push(connection);
    return connection;
  }

  #takePart(part: string, { status, publishedAt, receivedAt }: Answer): void {
    this.report.answers += Number(this.#measuring);
    if (status !== HTTP_OK) return this.#fail(`part answered ${status}`);
    if (Number.isNaN(publishedAt)) return;
    this.#publishedAt.set(part, publishedAt);
    if (this.#measuring) this.report.parts.push(receivedAt - publishedAt);
  }

  #takePlaylist(track: string, { status, etag, receivedAt, body }: Answer): FollowedPlaylist | null {
    this.report.answers += Number(this.#measuring);
    if (status !== HTTP_OK || !body) {
      this.#fail(`playlist answered ${status}`);
      return null;
    }
    const playlist = this.#reader.read(track, etag, body);
    if (this.#measuring) this.#seen.push({ part: track + playlist.newest, receivedAt });
    return playlist;
  }

  #fail(reason: string): void {
    this.report.errors[reason] = (this.report.errors[reason] ?? 0) + 1;
  }
}

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const tell = (message: LoadMessage): void => void process.send!(message);

if (process.send && process.argv[2]) {
  const load = new Load(JSON.parse(process.argv[2]) as LoadOptions);
  await load.run();
  process.send({ kind: 'report', report: load.report } satisfies LoadMessage, () => process.exit(0));
}
