import { condition } from '@temporalio/workflow';
import type { StreamProjection } from '../../domain/contracts/catalog.js';
import { catalog } from '../proxies.js';

/**
 * Writes to Postgres what the workflow decided, in order, beside the story: a database that is away delays the
 * read model and the timeline, never the broadcast.
 */
export class Outbox {
  #pending: StreamProjection[] = [];
  #busy = false;

  push(projection: StreamProjection): void {
    this.#pending.push(projection);
  }

  get drained(): boolean {
    return this.#pending.length === 0 && !this.#busy;
  }

  /** Runs for the workflow's life. */
  async run(): Promise<never> {
    for (;;) {
      await condition(() => this.#pending.length > 0);
      this.#busy = true;
      await catalog.recordProjections.executeWithOptions({ summary: this.#summary() }, [this.#pending.splice(0)]);
      this.#busy = false;
    }
  }

  #summary(): string {
    const events = this.#pending.flatMap((projection) => projection.events.map((event) => event.type));
    return events.length > 0 ? events.join(', ') : `status ${this.#pending.at(-1)?.status ?? ''}`;
  }
}
