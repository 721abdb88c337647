import { signToken } from '../../platform/auth/tokens.js';
import { HoldfastError } from '../../domain/errors.js';
import type { ApiDependencies } from '../dependencies.js';
import { findStream } from '../find-stream.js';
import { defineRoute, type Route } from '../route.js';
import { createTokenBody, tokenSchema } from '../schemas/token.js';

export function tokenRoutes(deps: ApiDependencies): Route[] {
  return [
    defineRoute({
      method: 'post',
      path: '/v1/tokens',
      operationId: 'createToken',
      tag: 'Tokens',
      summary: 'Sign a token',
      description: 'For HTTP Basic key:secret only. Whoever holds the secret may as well sign tokens without asking.',
      permissions: ['admin'],
      body: createTokenBody,
      answers: { 201: { description: 'The token.', schema: tokenSchema } },
      errors: ['stream_not_found'],
      restrict({ kind }) {
        if (kind !== 'basic') throw new HoldfastError('forbidden', 'Tokens are signed for HTTP Basic key:secret only.');
      },
      async handle({ body, credential: { apiKey } }) {
        if (body.streamId !== undefined) await findStream(deps, body.streamId);
        const apiSecret = await deps.apiKeys.findSecret(apiKey);
        if (apiSecret === null) throw new HoldfastError('invalid_credentials');
        const { token, expiresAt } = await signToken({ ...body, apiKey, apiSecret });
        return { status: 201, body: { token, expiresAt: expiresAt.toISOString() } };
      },
    }),
  ];
}
