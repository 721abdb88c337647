import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Credential } from '../../platform/auth/permissions.js';
import { HoldfastError } from '../../domain/errors.js';
import { WHOLE_KEY, type Claim, type IdempotencyRepository, type KeyedRequest } from '../../platform/db/repositories/idempotency.js';
import { toHoldfastError, toProblem } from '../problem.js';
import type { Answer } from '../route.js';

/** Longer than any request takes, so that a duplicate sent at the same time sees the first one's answer. */
const WAIT_LIMIT_MS = 10_000;
const POLL_INTERVAL_MS = 50;
const FIRST_SERVER_ERROR = 500;
/** Printable ASCII, as headers carry it safely. */
const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;

/** The key of the request, checked; undefined when none was sent. */
export function readIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined || IDEMPOTENCY_KEY.test(header)) return header;
  throw new HoldfastError('invalid_request', 'Idempotency-Key must be 1 to 255 printable ASCII characters, no spaces.');
}

/** What makes two requests the same: method, path and body. */
export const hashRequest = (method: string, path: string, body: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify([method, path, body]))
    .digest('hex');

/**
 * What a credential may see of the answers its API key got: those given to the same rights. Tokens are signed anew all
 * the time, so one that may do the same repeats what another one has begun.
 */
export function scopeOf({ permissions, streamId }: Credential): string {
  const held = permissions.includes('admin') ? 'admin' : [...new Set(permissions)].sort().join(' ');
  return held === 'admin' && streamId === null ? WHOLE_KEY : JSON.stringify([held, streamId]);
}

export interface KeyedCall {
  request: KeyedRequest;
  requestId: string;
  /** Runs the request; `attemptId` is the same for every attempt with this key. */
  run: (attemptId: string) => Promise<Answer>;
}

/**
 * Runs a request once per Idempotency-Key and repeats its answer from then on, refusals included. Answers of 500 and
 * above are not kept: the next request with the key tries again. Throws `idempotency_mismatch` for another request
 * with the same key, `idempotency_in_progress` when the first one does not finish in time.
 */
export async function answerOnce(idempotency: IdempotencyRepository, call: KeyedCall): Promise<Answer> {
  const giveUpAt = Date.now() + WAIT_LIMIT_MS;
  for (;;) {
    const begun = await idempotency.begin(call.request);
    switch (begun.state) {
      case 'claimed':
        return runClaimed(idempotency, begun.claim, call);
      case 'answered':
        return repeat(begun.answer);
      case 'other_request':
        throw new HoldfastError('idempotency_mismatch');
      case 'running':
        if (Date.now() > giveUpAt) throw new HoldfastError('idempotency_in_progress');
        await sleep(POLL_INTERVAL_MS);
    }
  }
}

function repeat({ status, body }: { status: number; body: string }): Answer {
  const stored = JSON.parse(body) as Pick<Answer, 'body' | 'headers'>;
  return { status, body: stored.body, headers: { ...stored.headers, 'idempotency-replayed': 'true' } };
}

async function runClaimed(idempotency: IdempotencyRepository, claim: Claim, call: KeyedCall): Promise<Answer> {
  const answer = await runOrRefuse(idempotency, claim, call);
  const { status, body, headers } = answer;
  await idempotency.finish(claim, { status, body: JSON.stringify({ body, headers }) });
  return answer;
}

/** A refusal is an answer like any other; a failure frees the key and stays a failure. */
async function runOrRefuse(idempotency: IdempotencyRepository, claim: Claim, call: KeyedCall): Promise<Answer> {
  try {
    return await call.run(claim.resourceId);
  } catch (error) {
    const known = toHoldfastError(error);
    if (known.kind.status < FIRST_SERVER_ERROR) return toProblem(known, call.requestId);
    // If even this fails (the database is away), the claim runs out by itself.
    await idempotency.release(claim).catch(() => undefined);
    throw error;
  }
}
