import type { ServerResponse } from 'node:http';

/** A viewer that waits for the next part. */
export interface HeldRequest {
  response: ServerResponse;
  /** What it waits for is there. */
  isDue: () => boolean;
  answer: () => void;
  /** It is not there in time. */
  giveUp: () => void;
  limitMs: number;
}

interface Held extends HeldRequest {
  deadline: number;
}

/** What viewers of a playback id wait for that nothing can be shown of yet. */
export const waitTopic = (playbackId: string): string => `wait:${playbackId}`;

/** Answers sent in one go; then whatever has come in from the encoders is taken first. */
const SLICE = 400;
/** Deadlines of seconds need no timer each. */
const DEADLINE_CHECK_MS = 200;

/** Requests that are held until something is listed; one whose client goes away is dropped at once. */
export class HeldRequests {
  size = 0;
  #held = new Map<string, Set<Held>>();
  #timer = setInterval(() => this.#giveUpLate(performance.now()), DEADLINE_CHECK_MS).unref();

  /** @param topic what is waited for: a playlist */
  hold(topic: string, request: HeldRequest): void {
    const waiting = this.#held.get(topic) ?? new Set<Held>();
    this.#held.set(topic, waiting);
    const held = { ...request, deadline: performance.now() + request.limitMs };
    waiting.add(held);
    this.size++;
    request.response.once('close', () => this.#drop(topic, held));
  }

  /** Something was listed under this topic: everyone who waited for it is answered. */
  wake(topic: string): void {
    const waiting = this.#held.get(topic);
    if (!waiting) return;
    const due = [...waiting].filter((held) => held.isDue());
    for (const held of due) this.#drop(topic, held);
    this.#answer(due);
  }

  /** Everyone looks again: a broadcast has ended. @param prefix of the topics */
  wakeAll(prefix: string): void {
    for (const topic of [...this.#held.keys()]) if (topic.startsWith(prefix)) this.wake(topic);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#held.clear();
    this.size = 0;
  }

  #answer(due: readonly Held[]): void {
    for (const held of due.slice(0, SLICE)) if (!held.response.destroyed) held.answer();
    if (due.length > SLICE) setImmediate(() => this.#answer(due.slice(SLICE)));
  }

  #drop(topic: string, held: Held): void {
    const waiting = this.#held.get(topic);
    if (!waiting?.delete(held)) return;
    this.size--;
    if (waiting.size === 0) this.#held.delete(topic);
  }

  #giveUpLate(now: number): void {
    for (const [topic, waiting] of this.#held) {
      // In the order of their coming: all limits are the same.
      for (const held of waiting) {
        if (held.deadline > now) break;
        this.#drop(topic, held);
        held.giveUp();
      }
    }
  }
}
