import type { ServerResponse } from 'node:http';
import { HoldfastError } from '../../domain/errors.js';
import type { Logger } from '../../platform/log/logger.js';
import type { IngestLimits } from '../limits.js';
import { codecsOf, sameCodecs } from '../rtmp/media-tag.js';
import { Programme } from './programme.js';
import type { Publisher } from '../publish/publisher.js';
import type { Publishers } from '../publish/publishers.js';
import { loadSlate, type Slate } from './slate.js';

export interface ProgrammesOptions {
  publishers: Publishers;
  /** Where the media worker keeps its slates. */
  slatesDir: string;
  limits: IngestLimits;
  log: Logger;
}

export interface ProgrammeRequest {
  streamId: string;
  /** Null: nothing is sent while no publisher is there. */
  slate: string | null;
  /** For `endReader`. */
  reader: string | null;
}

/** The programmes that are read now: one per stream and slate, from its first reader to its last. */
export class Programmes {
  readonly #options: ProgrammesOptions;
  readonly #byStream = new Map<string, Map<string | null, Programme>>();
  #closed = false;

  constructor(options: ProgrammesOptions) {
    this.#options = options;
  }

  get readers(): number {
    return this.#all().reduce((sum, { readers }) => sum + readers, 0);
  }

  /**
   * Answers a reader until it leaves, or the codecs change.
   *
   * @throws HoldfastError `not_found` without such a slate, `invalid_request` when it does not fit the publisher
   */
  async attach(response: ServerResponse, request: ProgrammeRequest): Promise<void> {
    const slate = request.slate === null ? null : await loadSlate(this.#options.slatesDir, request.slate);
    if (this.#closed) throw new HoldfastError('shutting_down');
    // It may have gone while the slate was read, and would never be taken out again.
    if (response.destroyed) return;
    const programme = this.#byStream.get(request.streamId)?.get(request.slate) ?? this.#create(request, slate);
    programme.attach(response, request.reader);
  }

  /** See MediaStart. */
  receivedAt({ streamId, slate }: Omit<ProgrammeRequest, 'reader'>): number | null {
    const programme = this.#byStream.get(streamId)?.get(slate);
    if (programme) return programme.receivedAt;
    const publisher = this.#options.publishers.ofStream(streamId);
    if (publisher?.layout) return publisher.relay.newestReceivedAt;
    return slate === null ? null : Date.now();
  }

  /** Ends the readers of that name; false: there is none. */
  endReader(reader: string): boolean {
    return this.#all().filter((programme) => programme.endReader(reader)).length > 0;
  }

  /** A publisher's media can be described. */
  join(publisher: Publisher): void {
    for (const programme of this.#ofStream(publisher)) programme.join(publisher);
  }

  /** A publisher is gone. */
  leave(publisher: Publisher): void {
    for (const programme of this.#ofStream(publisher)) programme.leave(publisher);
  }

  /** Ends every reader. */
  close(): void {
    this.#closed = true;
    for (const programme of this.#all()) programme.end();
  }

  #create({ streamId, slate: name }: ProgrammeRequest, slate: Slate | null): Programme {
    const present = this.#options.publishers.ofStream(streamId);
    const publisher = present?.layout ? present : null;
    if (slate && publisher?.layout && !sameCodecs(slate.codecs, codecsOf(publisher.layout))) {
      throw new HoldfastError('invalid_request', `The slate ${name} has not the codecs of what is published.`);
    }
    const programmes = this.#byStream.get(streamId) ?? new Map<string | null, Programme>();
    const programme: Programme = new Programme({
      slate,
      limits: this.#options.limits,
      log: this.#options.log.child({ streamId, slate: name }),
      over: () => {
        if (programmes.get(name) === programme) programmes.delete(name);
        if (programmes.size === 0 && this.#byStream.get(streamId) === programmes) this.#byStream.delete(streamId);
      },
    });
    programmes.set(name, programme);
    this.#byStream.set(streamId, programmes);
    programme.start(publisher);
    return programme;
  }

  #ofStream({ identity }: Publisher): Programme[] {
    return [...(this.#byStream.get(identity.streamId)?.values() ?? [])];
  }

  #all(): Programme[] {
    return [...this.#byStream.values()].flatMap((programmes) => [...programmes.values()]);
  }
}
