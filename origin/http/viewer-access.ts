import { HoldfastError } from '../../domain/errors.js';

/**
 * Checks a token for one stream. Resolves with the time (ms of the wall clock) until which the answer holds; rejects
 * with `invalid_credentials`, `token_expired` or `forbidden`, or with `database_unavailable` when nobody can tell.
 */
export type VerifyPlaybackToken = (token: string, streamId: string) => Promise<{ validUntil: number }>;

/** A revoked API key stops its viewers after this time; until then Postgres may be away and nobody notices. */
const RECHECK_AFTER_MS = 60_000;
/** Viewers whose tokens are remembered. */
const MAX_REMEMBERED = 50_000;

interface Verified {
  validUntil: number;
  checkedAt: number;
}

/** Who may watch a signed stream. Remembers good tokens, so that a viewer costs one check and not one per segment. */
export class ViewerAccess {
  #verify: VerifyPlaybackToken;
  #verified = new Map<string, Verified>();

  constructor(verify: VerifyPlaybackToken) {
    this.#verify = verify;
  }

  /** Throws `unauthenticated` without a token, and what the check throws. */
  async check(token: string | null, streamId: string, now = Date.now()): Promise<void> {
    if (!token) throw new HoldfastError('unauthenticated', 'This stream is signed: add ?token=<playback token> to the address.');
    const key = `${streamId}/${token}`;
    const known = this.#verified.get(key);
    if (known && now >= known.validUntil) throw new HoldfastError('token_expired');
    if (known && now - known.checkedAt < RECHECK_AFTER_MS) return;
    try {
      const { validUntil } = await this.#verify(token, streamId);
      this.#remember(key, { validUntil, checkedAt: now });
    } catch (error) {
      // Nobody can say that it is no longer valid: who was let in stays in.
      if (known && error instanceof HoldfastError && error.kind.fault === 'dependency') return;
      this.#verified.delete(key);
      throw error;
    }
  }

  #remember(key: string, verified: Verified): void {
    this.#verified.delete(key);
    this.#verified.set(key, verified);
    for (const oldest of this.#verified.keys()) {
      if (this.#verified.size <= MAX_REMEMBERED) return;
      this.#verified.delete(oldest);
    }
  }
}
