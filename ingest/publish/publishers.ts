import type { Publisher } from './publisher.js';

/** The accepted publishers of this host, one per stream at most. */
export class Publishers {
  readonly #byPublish = new Map<string, Publisher>();
  readonly #byStream = new Map<string, Publisher>();

  add(publisher: Publisher): void {
    this.#byPublish.set(publisher.identity.publishId, publisher);
    this.#byStream.set(publisher.identity.streamId, publisher);
  }

  remove(publisher: Publisher): void {
    const { publishId, streamId } = publisher.identity;
    this.#byPublish.delete(publishId);
    if (this.#byStream.get(streamId) === publisher) this.#byStream.delete(streamId);
  }

  get(publishId: string): Publisher | null {
    return this.#byPublish.get(publishId) ?? null;
  }

  ofStream(streamId: string): Publisher | null {
    return this.#byStream.get(streamId) ?? null;
  }

  all(): Publisher[] {
    return [...this.#byPublish.values()];
  }
}
