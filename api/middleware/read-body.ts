import express, { type RequestHandler } from 'express';
import { HoldfastError } from '../../domain/errors.js';

/** Room for the largest valid request: a stream with 100 destinations and 50 entries of metadata. */
export const MAX_BODY_BYTES = 256 * 1024;

const readText = express.text({ type: () => true, limit: MAX_BODY_BYTES, defaultCharset: 'utf-8' });

/**
 * Parses a JSON body into `request.body`; no body counts as `{}`. Throws `unsupported_media_type`,
 * `payload_too_large` or `invalid_json`.
 */
export const readBody: RequestHandler = (request, response, next) => {
  const { 'content-length': length = '0', 'transfer-encoding': chunked } = request.headers;
  if (chunked === undefined && Number(length) === 0) {
    request.body = {};
    next();
    return;
  }
  if (!request.is('application/json')) throw new HoldfastError('unsupported_media_type');
  readText(request, response, (error?: unknown) => {
    if (error) return next(error);
    try {
      request.body = parse(String(request.body ?? ''));
    } catch (parseError) {
      return next(parseError);
    }
    next();
  });
};

function parse(text: string): unknown {
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text, refuseProto);
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw new HoldfastError('invalid_json', undefined, {}, { cause: error });
  }
}

/** Objects cannot carry this name as data; it would be lost silently. */
function refuseProto(key: string, value: unknown): unknown {
  if (key === '__proto__') throw new HoldfastError('invalid_request', 'The name "__proto__" cannot be used.');
  return value;
}
