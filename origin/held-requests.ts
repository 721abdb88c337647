/** A viewer that waits for the next part. */
export interface HeldRequest {
  answer: () => void;
  /** It is not there in time. */
  giveUp: () => void;
  limitMs: number;
}

/** What several viewers wait for: the same part of the same playlist. */
export interface Awaited {
  /** A playlist; whenever something is listed in it, all goals under it are looked at. */
  topic: string;
  /** What has to be there; the same name means the same `isDue`. */
  goal: string;
  isDue: () => boolean;
}

interface Held extends HeldRequest {
  deadline: number;
  /** Answered, given up or dropped. */
  over: boolean;
}

interface Goal {
  isDue: () => boolean;
  waiting: Set<Held>;
}

/** What viewers of a playback id wait for that nothing can be shown of yet. */
export const waitTopic = (playbackId: string): string => `wait:${playbackId}`;

/**
 * Answers sent in one go, some 50 ms of work; then whatever has come in is taken first. That is the encoders' media, but
 * also the next request of everyone who was answered, as much work again: with smaller slices the last ones wait for all that.
 */
const SLICE = 5000;
/** Deadlines of seconds need no timer each. */
const DEADLINE_CHECK_MS = 200;

/** Requests that are held until something is listed. */
export class HeldRequests {
  size = 0;
  #topics = new Map<string, Map<string, Goal>>();
  #timer = setInterval(() => this.#giveUpLate(performance.now()), DEADLINE_CHECK_MS).unref();

  /** @returns drops it, to be called when the client goes away; false = it was answered or given up before */
  hold({ topic, goal: name, isDue }: Awaited, request: HeldRequest): () => boolean {
    const goals = this.#topics.get(topic) ?? new Map<string, Goal>();
    this.#topics.set(topic, goals);
    const goal = goals.get(name) ?? { isDue, waiting: new Set<Held>() };
    goals.set(name, goal);
    const held: Held = { ...request, deadline: performance.now() + request.limitMs, over: false };
    goal.waiting.add(held);
    this.size++;
    return () => {
      const dropped = !held.over;
      held.over = true;
      if (goal.waiting.delete(held)) {
        this.size--;
        this.#tidy(topic, name, goal);
      }
      return dropped;
    };
  }

  /** Something was listed under this topic: everyone who waited for it is answered. */
  wake(topic: string): void {
    for (const [name, goal] of this.#topics.get(topic) ?? []) {
      if (!goal.isDue()) continue;
      const due = [...goal.waiting];
      goal.waiting.clear();
      this.size -= due.length;
      this.#tidy(topic, name, goal);
      this.#answer(due, 0);
    }
  }

  /** Everyone looks again: a broadcast has ended. @param prefix of the topics */
  wakeAll(prefix: string): void {
    for (const topic of [...this.#topics.keys()]) if (topic.startsWith(prefix)) this.wake(topic);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#topics.clear();
    this.size = 0;
  }

  #answer(due: readonly Held[], from: number): void {
    const end = Math.min(due.length, from + SLICE);
    for (let index = from; index < end; index++) {
      const held = due[index]!;
      if (held.over) continue;
      held.over = true;
      held.answer();
    }
    if (end < due.length) setImmediate(() => this.#answer(due, end));
  }

  #tidy(topic: string, name: string, goal: Goal): void {
    const goals = this.#topics.get(topic);
    if (goal.waiting.size > 0 || goals?.get(name) !== goal) return;
    goals.delete(name);
    if (goals.size === 0) this.#topics.delete(topic);
  }

  #giveUpLate(now: number): void {
    for (const [topic, goals] of this.#topics) {
      for (const [name, goal] of goals) {
        // In the order of their coming: all limits of one goal are the same.
        for (const held of goal.waiting) {
          if (held.deadline > now) break;
          goal.waiting.delete(held);
          this.size--;
          held.over = true;
          held.giveUp();
        }
        this.#tidy(topic, name, goal);
      }
    }
  }
}
