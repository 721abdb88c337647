import { z } from 'zod';

/** Control characters break logs and terminals, and Postgres and JSON refuse NUL and half surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}]/u;

/** Text people read, on one line. */
export const printable = (maxLength: number) =>
  z
    .string()
    .max(maxLength)
    .refine((text) => !UNPRINTABLE.test(text), 'Must not have control characters.');

/** Short side in pixels: what H.264 encoders and players handle without special care. */
const MIN_HEIGHT = 120;
const MAX_HEIGHT = 2160;

/** Encoders of 4:2:0 video need even sides. */
export const rungHeight = z
  .int()
  .min(MIN_HEIGHT)
  .max(MAX_HEIGHT)
  .refine((height) => height % 2 === 0, 'Must be even.')
  .meta({ multipleOf: 2, description: 'Short side in pixels, even.' });

const DEFAULT_PAGE = 20;
const MAX_PAGE = 100;
const MAX_CURSOR_LENGTH = 256;

export const limitOf = (fallback: number, max: number) =>
  z.coerce.number().int().min(1).max(max).default(fallback).meta({ description: 'Items on a page.' });

export const pageQuery = {
  cursor: z.string().max(MAX_CURSOR_LENGTH).optional().meta({ description: '`nextCursor` of the page before.' }),
  limit: limitOf(DEFAULT_PAGE, MAX_PAGE),
};

/** A page of a list. */
export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({
    data: z.array(item),
    nextCursor: z.string().nullable().meta({ description: 'Send it as `cursor` for the next page; null at the end.' }),
  });

export const timestamp = z.iso.datetime().meta({ description: 'ISO 8601, UTC.' });

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().meta({ description: 'Stable; branch on this, never on the texts.' }),
    requestId: z.string(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem', description: 'Problem details, RFC 9457.' });
