import { OpenApiGeneratorV31, OpenAPIRegistry } from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { ERROR_KINDS, type ErrorCode } from '../domain/errors.js';
import type { DocumentedAnswer, Route } from './route.js';
import { problemSchema } from './schemas/common.js';

/** Grows with the API, not with Holdfast. */
const API_VERSION = '1.0.0';

/** Codes any call can answer. */
const COMMON_ERRORS: readonly ErrorCode[] = [
  'unauthenticated',
  'invalid_credentials',
  'token_expired',
  'forbidden',
  'invalid_request',
  'unknown_field',
  'rate_limited',
  'internal',
  'database_unavailable',
];
const BODY_ERRORS: readonly ErrorCode[] = ['invalid_json', 'payload_too_large', 'unsupported_media_type'];
const POST_ERRORS: readonly ErrorCode[] = ['idempotency_in_progress', 'idempotency_mismatch'];

const idempotencyHeader = z.string().max(255).optional().meta({
  description: 'Same key and request, same answer, for 24 hours; the same key with another request is answered 422.',
});

/** OpenAPI 3.1, made from the routes themselves. */
export function openApiDocument(routes: readonly Route[]) {
  const registry = new OpenAPIRegistry();
  registry.registerComponent('securitySchemes', 'basic', {
    type: 'http',
    scheme: 'basic',
    description: 'API key and secret.',
  });
  registry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'HS256, signed with the API secret; claims apikey, iat, exp, permissions, and streamId to narrow it.',
  });
  for (const route of routes) registerRoute(registry, route);
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'Holdfast',
      version: API_VERSION,
      description: 'Self-hosted live streaming: create a stream, publish RTMP, watch HLS.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{ basic: [] }, { bearer: [] }],
  });
}

function registerRoute(registry: OpenAPIRegistry, route: Route): void {
  const params = Object.entries(route.params ?? {}).map(([name, { description }]) => [name, z.string().meta({ description })]);
  const needs = route.permissions.length > 0 ? `Needs the permission ${route.permissions.join(' or ')}.` : '';
  registry.registerPath({
    method: route.method,
    path: route.path,
    operationId: route.operationId,
    tags: [route.tag],
    summary: route.summary,
    description: [route.description, needs].filter(Boolean).join('\n\n'),
    request: {
      ...(params.length > 0 ? { params: z.object(Object.fromEntries(params) as Record<string, z.ZodString>) } : {}),
      ...(route.query ? { query: route.query as z.ZodObject } : {}),
      ...(route.method === 'post' ? { headers: z.object({ 'idempotency-key': idempotencyHeader }) } : {}),
      ...(route.body ? { body: { content: { 'application/json': { schema: route.body } } } } : {}),
    },
    responses: { ...successes(route.answers), ...problems(route) },
  });
}

const successes = (answers: Record<number, DocumentedAnswer>) =>
  Object.fromEntries(
    Object.entries(answers).map(([status, { description, schema }]) => [
      status,
      { description, ...(schema ? { content: { 'application/json': { schema } } } : {}) },
    ]),
  );

/** One answer per status, naming its codes. */
function problems(route: Route) {
  const codes = new Set<ErrorCode>([
    ...COMMON_ERRORS,
    ...(route.body ? BODY_ERRORS : []),
    ...(route.method === 'post' ? POST_ERRORS : []),
    ...Object.values(route.params ?? {}).map(({ missing }) => missing),
    ...(route.errors ?? []),
  ]);
  const statuses = new Set([...codes].map((code) => ERROR_KINDS[code].status));
  return Object.fromEntries(
    [...statuses].map((status) => {
      const group = [...codes].filter((code) => ERROR_KINDS[code].status === status);
      const description = group.map((code) => `\`${code}\`: ${ERROR_KINDS[code].message}`).join('\n\n');
      return [status, { description, content: { 'application/problem+json': { schema: problemSchema } } }];
    }),
  );
}
