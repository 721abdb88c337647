import { HoldfastError } from '../../domain/errors.js';
import type { Directives } from '../hls/blocking-reload.js';
import type { Lane, LaneAnswer } from '../http/express-lane.js';
import { TargetReader, type PlaybackTarget } from '../http/playback-target.js';
import { wireOf } from '../http/wire.js';
import type { Question, SharedAnswers } from './shared-answers.js';

/** The origin answers sooner, with an error if need be. */
const ANSWER_LIMIT_MS = 30_000;

/** What live viewers ask a viewer process for: the first of them is waited for at the origin, and everybody gets that answer. */
export class SharedLane implements Lane {
  readonly #answers: SharedAnswers;
  readonly #targets = new TargetReader();

  constructor(answers: SharedAnswers) {
    this.#answers = answers;
  }

  /** null = not for everybody: with a token. Throws HoldfastError. */
  find(text: string, gzip: boolean): LaneAnswer | null {
    const target = this.#targets.read(text);
    const kind = target.route?.kind;
    if (!kind) throw new HoldfastError('not_found');
    const question = questionOf(text, target, gzip);
    if (!question) return null;
    const kept = this.#answers.kept(question.key);
    if (kept) return { kind, wire: wireOf(kept, '', () => kept) };
    const { key } = question;
    const asked = this.#answers.ask(question);
    return {
      kind,
      hold: { topic: key, goal: key, isDue: () => asked.answer !== null, giveUp: 'origin_unavailable', limitMs: ANSWER_LIMIT_MS },
      answer: () => {
        const { answer } = asked;
        if (!answer) throw new HoldfastError('origin_unavailable');
        return wireOf(answer, '', () => answer);
      },
    };
  }
}

/** null = the answer is one viewer's own. Parameters that mean nothing here are left out: trackers add some of their own to every address. */
export function questionOf(text: string, { route, directives, token, waits }: PlaybackTarget, gzip: boolean): Question | null {
  if (!route || token !== null) return null;
  const [path = ''] = text.split('?', 1);
  const query = route.kind === 'playlist' ? directivesOf(text, directives) : route.kind === 'multivariant' && waits ? '?wait=1' : '';
  const target = `${path}${query}`;
  return { key: `${gzip ? 'gzip' : 'plain'} ${target}`, target, gzip };
}

function directivesOf(text: string, directives: Directives | { reason: string }): string {
  // Refused by the origin, with its own words.
  if ('reason' in directives) return text.slice(text.indexOf('?'));
  const { msn, part, skip } = directives;
  const given = [
    ...(msn === null ? [] : [`_HLS_msn=${msn}`]),
    ...(part === null ? [] : [`_HLS_part=${part}`]),
    ...(skip ? ['_HLS_skip=YES'] : []),
  ];
  return given.length > 0 ? `?${given.join('&')}` : '';
}
