import type { z } from 'zod';
import type { Credential, Permission } from '../platform/auth/permissions.js';
import type { ErrorCode } from '../domain/errors.js';

/** What a handler gets: everything checked, nothing of HTTP. */
export interface Call<Body, Query> {
  params: Record<string, string>;
  body: Body;
  query: Query;
  credential: Credential;
  requestId: string;
  /**
   * Id for what this request makes or does: the same for every attempt with one Idempotency-Key, so that a repeated
   * request makes no second thing. Fresh when no key was sent.
   */
  attemptId: string;
}

export interface Answer {
  status: number;
  /** Sent as JSON; undefined = no body. */
  body?: unknown;
  headers?: Record<string, string>;
}

export interface DocumentedAnswer {
  description: string;
  schema?: z.ZodType;
}

/**
 * One call of the API, described once: the router, the checks and the OpenAPI document are made from it.
 */
export interface Route<Body = unknown, Query = unknown> {
  method: 'get' | 'post' | 'patch' | 'delete';
  /** OpenAPI form: `/v1/streams/{streamId}`. */
  path: string;
  operationId: string;
  tag: string;
  summary: string;
  description?: string;
  /** One of these is needed; empty = any credential. */
  permissions: readonly Permission[];
  /** What else the credential must be: throws `forbidden`. Asked before anything is read or repeated. */
  restrict?: (credential: Credential) => void;
  /** Form of each path parameter, and the error when it has another form (or names nothing). */
  params?: Record<string, { pattern: RegExp; missing: ErrorCode; description: string }>;
  body?: z.ZodType<Body>;
  query?: z.ZodType<Query>;
  /** By status. */
  answers: Record<number, DocumentedAnswer>;
  /** Codes this call can answer beside those every call can. */
  errors?: readonly ErrorCode[];
  handle: (call: Call<Body, Query>) => Promise<Answer>;
}

/** Infers body and query for the handler from their schemas, then forgets them: all routes go into one list. */
export function defineRoute<Body = Record<string, never>, Query = Record<string, never>>(route: Route<Body, Query>): Route {
  return route as unknown as Route;
}

/** `/v1/streams/{streamId}` → `/v1/streams/:streamId` */
export const expressPath = (path: string): string => path.replace(/\{(\w+)\}/g, ':$1');
