import type { IncomingMessage, ServerResponse } from 'node:http';
import { HoldfastError } from '../../domain/errors.js';
import type { Logger } from '../../platform/log/logger.js';
import type { AddressLimits } from '../http/address-limits.js';
import { parseTarget } from '../http/playback-target.js';
import { sendError, sendWhole, takesGzip } from '../http/send.js';
import type { ViewerMetrics } from '../metrics.js';
import type { OriginLink } from './origin-link.js';
import type { SharedAnswers } from './shared-answers.js';
import { questionOf } from './shared-lane.js';

export interface ViewerHandlerOptions {
  link: OriginLink;
  answers: SharedAnswers;
  limits: AddressLimits;
  metrics: ViewerMetrics;
  log: Logger;
}

const METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
/** Part of an answer, or an answer only if something changed. */
const OWN_ANSWER = /^(range|if-)/;

/** Every request by the way of node:http or node:http2: shared where it is a plain GET, else handed on to the origin. */
export function createViewerHandler(options: ViewerHandlerOptions): (request: IncomingMessage, response: ServerResponse) => void {
  const { metrics, log } = options;
  return (request, response) => {
    const kind = parseTarget(request.url ?? '').route?.kind ?? 'unknown';
    response.once('close', () => metrics.answered(kind, response.statusCode, 0));
    answer(options, request, response)
      .catch((error: unknown) => sendError(log, request, response, error))
      .then((bytes) => metrics.served(bytes))
      .catch((error: unknown) => log.error({ reason: String(error) }, 'playback answer not sent'));
  };
}

async function answer(
  { link, answers, limits }: ViewerHandlerOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<number> {
  if (!METHODS.has(request.method ?? '')) throw new HoldfastError('method_not_allowed');
  const text = request.url ?? '';
  const question = isPlain(request) ? questionOf(text, parseTarget(text), takesGzip(request.headers['accept-encoding'])) : null;
  const kept = question && answers.kept(question.key);
  if (kept) return sendWhole(request, response, kept);
  const limit = limits.heldBy(request.socket.remoteAddress);
  if (!limit.take()) throw new HoldfastError('rate_limited');
  try {
    if (!question) return await link.pass(request, response);
    const answered = await unlessGone(response, answers.ask(question).done);
    return answered ? sendWhole(request, response, answered) : 0;
  } finally {
    limit.give();
  }
}

/** null: the viewer has gone before. */
function unlessGone<T>(response: ServerResponse, answer: Promise<T>): Promise<T | null> {
  return new Promise((resolve, reject) => {
    response.once('close', () => resolve(null));
    answer.then(resolve, reject);
  });
}

const isPlain = ({ method, headers }: IncomingMessage): boolean =>
  method === 'GET' && !Object.keys(headers).some((name) => OWN_ANSWER.test(name));
