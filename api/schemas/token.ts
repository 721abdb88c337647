import { z } from 'zod';
import { PERMISSIONS } from '../../platform/auth/permissions.js';
import { MAX_TOKEN_LIFETIME_SECONDS } from '../../platform/auth/tokens.js';
import { STREAM_ID } from '../ids.js';
import { timestamp } from './common.js';

const DEFAULT_LIFETIME_SECONDS = 3600;

export const createTokenBody = z
  .strictObject({
    permissions: z
      .array(z.enum(PERMISSIONS))
      .min(1)
      .max(PERMISSIONS.length)
      .default(['stream:read', 'stream:write', 'stream:publish', 'playback']),
    streamId: z.string().regex(STREAM_ID, 'Must be the id of a stream.').optional().meta({ description: 'Narrows it to one stream.' }),
    expiresInSeconds: z.int().min(1).max(MAX_TOKEN_LIFETIME_SECONDS).default(DEFAULT_LIFETIME_SECONDS),
  })
  .meta({ id: 'CreateToken' });

export const tokenSchema = z.object({ token: z.string(), expiresAt: timestamp }).meta({ id: 'Token' });
