import { randomUUID } from 'node:crypto';
import type { Knex } from 'knex';
import type { SecretBox } from '../../auth/secret-box.js';

interface IdempotencyRow {
  api_key: string;
  scope: string;
  key: string;
  request_hash: string;
  resource_id: string;
  owner: string;
  owned_until: Date;
  status: number | null;
  answer_encrypted: string | null;
  expires_at: Date;
}

/** Scope of a credential that may do all its API key may. */
export const WHOLE_KEY = '';

export interface KeyedRequest {
  /** Keys of different API keys never meet. */
  apiKey: string;
  /** Neither do those of credentials that may do different things with one API key. `WHOLE_KEY`, or what it is narrowed to. */
  scope: string;
  /** The Idempotency-Key. */
  key: string;
  /** Hash of method, path and body. */
  requestHash: string;
  /** Id for what the request makes, should it be the first with this key. */
  resourceId: string;
}

export interface StoredAnswer {
  status: number;
  /** JSON text */
  body: string;
}

/** The right to run a request and to write its answer. */
export interface Claim {
  apiKey: string;
  scope: string;
  key: string;
  owner: string;
  /** The id chosen by the first attempt. */
  resourceId: string;
}

export type Begun =
  { state: 'claimed'; claim: Claim } | { state: 'answered'; answer: StoredAnswer } | { state: 'running' } | { state: 'other_request' };

/** How long an answer is kept for repetition. */
const KEPT_HOURS = 24;
/** Three times the longest a request takes; an attempt that is silent for longer has crashed and is taken over. */
export const ATTEMPT_LEASE_SECONDS = 15;

export type IdempotencyRepository = ReturnType<typeof createIdempotencyRepository>;

/** One answer per Idempotency-Key, whatever is repeated, at once or later. */
export function createIdempotencyRepository(db: Knex, secrets: SecretBox) {
  const rows = () => db<IdempotencyRow>('idempotency_keys');
  const mine = ({ apiKey, scope, key, owner }: Claim) => rows().where({ api_key: apiKey, scope, key, owner });
  const until = (trx: Knex, seconds: number) => trx.raw<Date>("now() + ? * interval '1 second'", [seconds]);

  /** Inserted by exactly one of many concurrent requests; false for all others. */
  async function insert(trx: Knex, request: KeyedRequest, owner: string): Promise<boolean> {
    const inserted = await trx('idempotency_keys')
      .insert({
        api_key: request.apiKey,
        scope: request.scope,
        key: request.key,
        request_hash: request.requestHash,
        resource_id: request.resourceId,
        owner,
        owned_until: until(trx, ATTEMPT_LEASE_SECONDS),
        expires_at: until(trx, KEPT_HOURS * 3600),
      })
      .onConflict(['api_key', 'scope', 'key'])
      .ignore()
      .returning('key');
    return inserted.length > 0;
  }

  return {
    /** Decides, atomically, whether this request runs, repeats an answer, or waits for another one. */
    async begin(request: KeyedRequest): Promise<Begun> {
      const owner = randomUUID();
      await rows().where('expires_at', '<', db.fn.now()).delete();
      return db.transaction(async (trx): Promise<Begun> => {
        const { apiKey, scope, key } = request;
        if (await insert(trx, request, owner)) {
          return { state: 'claimed', claim: { apiKey, scope, key, owner, resourceId: request.resourceId } };
        }
        const row = await trx<IdempotencyRow>('idempotency_keys')
          .where({ api_key: apiKey, scope, key })
          .forUpdate()
          .first<(IdempotencyRow & { owned: boolean }) | undefined>('*', trx.raw('owned_until > now() as owned'));
        if (!row) return { state: 'running' };
        if (row.request_hash !== request.requestHash) return { state: 'other_request' };
        if (row.status !== null && row.answer_encrypted !== null) {
          return { state: 'answered', answer: { status: row.status, body: secrets.decrypt(row.answer_encrypted) } };
        }
        if (row.owned) return { state: 'running' };
        const lease = { owner, owned_until: until(trx, ATTEMPT_LEASE_SECONDS) };
        await trx('idempotency_keys').where({ api_key: apiKey, scope, key }).update(lease);
        return { state: 'claimed', claim: { apiKey, scope, key, owner, resourceId: row.resource_id } };
      });
    },

    /** Stores the answer, unless another attempt has taken over meanwhile. */
    async finish(claim: Claim, answer: StoredAnswer): Promise<void> {
      await mine(claim).update({ status: answer.status, answer_encrypted: secrets.encrypt(answer.body) });
    },

    /** The attempt failed in a way that may pass: the next request with this key tries again, with the same id. */
    async release(claim: Claim): Promise<void> {
      await mine(claim).update({ owned_until: db.fn.now() as unknown as Date });
    },
  };
}
