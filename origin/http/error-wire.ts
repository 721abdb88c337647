import type { HoldfastError } from '../../domain/errors.js';
import { errorAnswer } from './whole-answers.js';
import { wireOf, type Wire } from './wire.js';

/** Errors are few: one wire each, as long as the process lives. */
const sources = new Map<string, object>();
/** Errors that say what exactly was wrong with a request are not so few. */
const MAX_SOURCES = 1000;

export function errorWire(error: HoldfastError): Wire {
  const key = `${error.code}/${error.message}`;
  const source = sources.get(key) ?? {};
  if (sources.size >= MAX_SOURCES) sources.clear();
  sources.set(key, source);
  return wireOf(source, '', () => errorAnswer(error));
}
