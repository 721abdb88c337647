import type { IncomingMessage, ServerResponse } from 'node:http';
import { HoldfastError } from '../../domain/errors.js';
import type { AddressLimits } from '../http/address-limits.js';
import { parseTarget } from '../http/playback-target.js';
import type { OriginLink } from './origin-link.js';
import type { TokenChecks } from './token-checks.js';

/** Part of an answer, or an answer only if something changed. */
const OWN_ANSWER = /^(range|if-)/;

/** Hands what is one viewer's own on to the origin, where it is checked as well; null = a plain GET, which may be shared. */
export function createPassing(link: OriginLink, checks: TokenChecks, limits: AddressLimits) {
  return (request: IncomingMessage, response: ServerResponse): Promise<number> | null =>
    isPlain(request) ? null : pass(link, checks, limits, request, response);
}

async function pass(
  link: OriginLink,
  checks: TokenChecks,
  limits: AddressLimits,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<number> {
  const { token, route } = parseTarget(request.url ?? '');
  const refusals = limits.refusalsOf(request.socket.remoteAddress);
  const isKnown = token === null || (route !== null && 'playbackId' in route && checks.knows(token, route.playbackId));
  if (!isKnown && refusals.tooMany) throw new HoldfastError('rate_limited');
  const limit = limits.heldBy(request.socket.remoteAddress);
  if (!limit.take()) throw new HoldfastError('rate_limited');
  try {
    return await link.pass(request, response);
  } finally {
    limit.give();
    // The origin does not see whose token it was.
    if (!isKnown && response.statusCode === 401) refusals.count();
  }
}

const isPlain = ({ method, headers }: IncomingMessage): boolean =>
  method === 'GET' && !Object.keys(headers).some((name) => OWN_ANSWER.test(name));
