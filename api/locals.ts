import type { Response } from 'express';
import type { Credential } from '../platform/auth/permissions.js';

/** What the middlewares know of a request. */
export interface RequestLocals {
  requestId: string;
  /** Path of the route that answers, for logs and metrics: a request's own path may hold anything. */
  route?: string;
  credential?: Credential;
  /** Stable code of the error that was answered. */
  errorCode?: string;
}

export const localsOf = (response: Response): RequestLocals => response.locals as RequestLocals;
