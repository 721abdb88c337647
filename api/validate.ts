import { z } from 'zod';
import { HoldfastError } from '../domain/errors.js';

/** One thing that is wrong with a request. */
export interface InvalidField {
  /** Dotted path, `ladder.0.height`; empty for the whole. */
  path: string;
  message: string;
}

/** A request can be wrong in thousands of places; a person reads the first few. */
const MAX_SHOWN = 20;
const MAX_PATH_LENGTH = 128;

/** For calls without a body or query: what is sent nevertheless is refused by name. */
export const NOTHING = z.strictObject({});

/**
 * The checked value. Throws `unknown_field` when there are fields the schema does not know, else `invalid_request`;
 * both list what is wrong, where, and never the value itself.
 */
export function validate<T>(schema: z.ZodType<T>, value: unknown, where: 'body' | 'query'): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const unknown = parsed.error.issues.flatMap(unknownFields);
  const invalid = parsed.error.issues.filter((issue) => issue.code !== 'unrecognized_keys').map(toInvalidField);
  const errors = [...unknown, ...invalid].slice(0, MAX_SHOWN);
  if (unknown.length > 0) {
    const names = unknown.slice(0, MAX_SHOWN).map((field) => field.path);
    throw new HoldfastError('unknown_field', `Unknown in the ${where}: ${names.join(', ')}.`, { errors });
  }
  const first = errors[0];
  const place = first?.path ? `${first.path}: ` : '';
  throw new HoldfastError('invalid_request', `The ${where} is not valid. ${place}${first?.message ?? ''}`, { errors });
}

const pathOf = (parts: readonly PropertyKey[]): string => parts.map(String).join('.').slice(0, MAX_PATH_LENGTH);

function unknownFields(issue: z.core.$ZodIssue): InvalidField[] {
  if (issue.code !== 'unrecognized_keys') return [];
  return issue.keys.map((key) => ({ path: pathOf([...issue.path, key]), message: 'Unknown field.' }));
}

/** A bad key of a record carries its reasons inside; the first is the one to show. */
function toInvalidField(issue: z.core.$ZodIssue): InvalidField {
  const reason = issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined;
  return { path: pathOf(issue.path), message: reason ?? issue.message };
}
