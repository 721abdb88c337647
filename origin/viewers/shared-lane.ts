import { HoldfastError } from '../../domain/errors.js';
import type { Directives } from '../hls/blocking-reload.js';
import { checkFor } from '../http/address-limits.js';
import type { Asker, Finder, Found, Whole } from '../http/found.js';
import { TargetReader, underToken, type PlaybackTarget } from '../http/playback-target.js';
import type { PlaybackRoute } from '../http/playback-route.js';
import type { WholeAnswer } from '../http/wire.js';
import type { Question, SharedAnswers } from './shared-answers.js';
import type { TokenChecks } from './token-checks.js';

/** The origin answers sooner, with an error if need be. */
const ANSWER_LIMIT_MS = 30_000;

/**
 * What viewers ask a viewer process for: the first of them is waited for at the origin, and everybody gets that answer, those of
 * signed streams as well, once their token is known to be good.
 */
export class SharedLane implements Finder {
  readonly #answers: SharedAnswers;
  readonly #checks: TokenChecks;
  readonly #targets = new TargetReader();

  constructor(answers: SharedAnswers, checks: TokenChecks) {
    this.#answers = answers;
    this.#checks = checks;
  }

  /** Throws HoldfastError. */
  find(text: string, asker: Asker): { kind: string; found: Found } {
    const target = this.#targets.read(text);
    if (!target.route) throw new HoldfastError('not_found');
    return { kind: target.route.kind, found: this.#find(target, target.route, asker) };
  }

  #find(target: PlaybackTarget, route: PlaybackRoute, asker: Asker): Found {
    const { token, tokenInPath } = target;
    // Redirected, or an old address.
    if (token !== null && !tokenInPath) return this.#ask(ownQuestionOf(target, asker.gzip));
    if (token === null || route.kind === 'asset' || route.kind === 'player') return this.#ask(sharedQuestionOf(target, route, asker.gzip));
    if (route.kind === 'access') return this.#ask(ownQuestionOf(target, asker.gzip));
    const checked = (): Found => this.#ask(checkedQuestionOf(target, route, asker.gzip));
    const { playbackId } = route;
    if (this.#checks.knows(token, playbackId)) return checked();
    const check = checkFor(asker.refusals, () => this.#checks.check(token, playbackId));
    return { type: 'pending', ready: check.then((isGood) => (isGood ? checked() : this.#ask(ownQuestionOf(target, asker.gzip)))) };
  }

  #ask(question: Question): Found {
    const { key } = question;
    const kept = this.#answers.kept(key);
    if (kept) return wholeFound(kept);
    const asked = this.#answers.ask(question);
    return {
      type: 'hold',
      hold: { topic: key, goal: key, isDue: () => asked.answer !== null, giveUp: 'origin_unavailable', limitMs: ANSWER_LIMIT_MS },
      next: () => {
        if (!asked.answer) throw new HoldfastError('origin_unavailable');
        return wholeFound(asked.answer);
      },
    };
  }
}

const wholeFound = (answer: WholeAnswer): Whole => ({ type: 'whole', source: answer, variant: '', render: () => answer });

/** null = the answer is one viewer's own, or there is none. */
export function questionOf(target: PlaybackTarget, gzip: boolean): Question | null {
  return target.route && target.token === null ? sharedQuestionOf(target, target.route, gzip) : null;
}

/** Parameters that mean nothing here are left out: trackers add some of their own to every address. */
function sharedQuestionOf({ path, query, directives, waits }: PlaybackTarget, { kind }: PlaybackRoute, gzip: boolean): Question {
  const known = kind === 'playlist' ? directivesOf(query, directives) : kind === 'multivariant' && waits ? '?wait=1' : '';
  const target = `${path}${known}`;
  return { key: `${gzip ? 'gzip' : 'plain'} ${target}`, target, gzip };
}

/** Of everyone whose token is good: the token is no part of it. */
function checkedQuestionOf(target: PlaybackTarget, route: PlaybackRoute, gzip: boolean): Question {
  const question = sharedQuestionOf(target, route, gzip);
  return { ...question, key: `checked ${question.key}`, checked: true };
}

/** With its token, as it came. */
function ownQuestionOf({ path, query, token, tokenInPath }: PlaybackTarget, gzip: boolean): Question {
  const asked = query === '' ? path : `${path}?${query}`;
  const target = tokenInPath ? underToken(token ?? '', asked) : asked;
  return { key: `own ${gzip ? 'gzip' : 'plain'} ${target}`, target, gzip };
}

function directivesOf(query: string, directives: Directives | { reason: string }): string {
  // Refused by the origin, with its own words.
  if ('reason' in directives) return `?${query}`;
  const { msn, part, skip } = directives;
  const given = [
    ...(msn === null ? [] : [`_HLS_msn=${msn}`]),
    ...(part === null ? [] : [`_HLS_part=${part}`]),
    ...(skip ? ['_HLS_skip=YES'] : []),
  ];
  return given.length > 0 ? `?${given.join('&')}` : '';
}
