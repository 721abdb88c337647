import { LRUCache } from 'lru-cache';
import { HoldfastError } from '../../domain/errors.js';
import { errorAnswer } from '../http/whole-answers.js';
import type { WholeAnswer } from '../http/wire.js';
import type { OriginLink } from './origin-link.js';

/** Newest media of a dozen ladders; what is not there is asked for again. */
const KEPT_BYTES = 64 << 20;
/** Keys, header fields and the wire made of them. */
const OVERHEAD_BYTES = 2048;
const MS_PER_SECOND = 1000;

/** What a viewer process asks the origin for, for everyone who wants it. */
export interface Question {
  /** Two questions with the same key have the same answer. */
  key: string;
  /** Path and query. */
  target: string;
  gzip: boolean;
  /** Asked for viewers whose tokens are good: the answer is for all of them, though no cache elsewhere may keep it. */
  checked?: true;
}

/** A question on its way. */
export interface Asked {
  /** null = not there yet. */
  answer: WholeAnswer | null;
  done: Promise<WholeAnswer>;
}

/** Answers that many viewers get and the origin gives once. */
export class SharedAnswers {
  readonly #link: Pick<OriginLink, 'ask'>;
  readonly #checkedLink: Pick<OriginLink, 'ask'>;
  readonly #onAnswer: (key: string) => void;
  readonly #asked = new Map<string, Asked>();
  readonly #kept = new LRUCache<string, WholeAnswer>({ maxSize: KEPT_BYTES, sizeCalculation: ({ body }) => body.length + OVERHEAD_BYTES });

  /**
   * @param onAnswer called with every answer: whoever waits for it can be told
   * @param checkedLink where the origin takes tokens for checked
   */
  constructor(link: Pick<OriginLink, 'ask'>, onAnswer: (key: string) => void, checkedLink = link) {
    this.#link = link;
    this.#checkedLink = checkedLink;
    this.#onAnswer = onAnswer;
  }

  kept(key: string): WholeAnswer | undefined {
    return this.#kept.get(key);
  }

  /** Never rejects: that the origin does not answer is an answer, too. */
  ask(question: Question): Asked {
    const { key } = question;
    const known = this.#asked.get(key);
    if (known) return known;
    const asked: Asked = { answer: null, done: this.#answer(question) };
    this.#asked.set(key, asked);
    void asked.done.then((answer) => {
      asked.answer = answer;
      this.#asked.delete(key);
      const ttl = keepMs(answer, question.checked);
      if (ttl > 0) this.#kept.set(key, answer, { ttl });
      this.#onAnswer(key);
    });
    return asked;
  }

  async #answer({ target, gzip, checked }: Question): Promise<WholeAnswer> {
    try {
      return await (checked ? this.#checkedLink : this.#link).ask(target, gzip);
    } catch (error) {
      return errorAnswer(error instanceof HoldfastError ? error : new HoldfastError('internal'));
    }
  }
}

/**
 * How long an answer may be given to others as well: `public` with `max-age` (RFC 9111, 5.2.2), in milliseconds.
 *
 * @param checked only to those whose token is good: `private` ones, too
 */
export function keepMs({ status, headers }: WholeAnswer, checked = false): number {
  const caching = String(headers['cache-control'] ?? '');
  if (status !== 200 || /\b(no-store|no-cache)\b/.test(caching) || (!checked && /\bprivate\b/.test(caching))) return 0;
  return Number(/\bmax-age=(\d{1,9})\b/.exec(caching)?.[1] ?? 0) * MS_PER_SECOND;
}
