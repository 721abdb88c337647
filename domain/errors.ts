/**
 * The one table of error codes. `status` is the HTTP answer the API gives, `retryable` tells a caller (and
 * Temporal) whether the same request can succeed later, `fault` says whose doing it is, so that alarms
 * about our own faults are not drowned by other people's.
 */
export type Fault = 'caller' | 'publisher' | 'destination' | 'holdfast' | 'dependency';

export interface ErrorKind {
  status: number;
  retryable: boolean;
  fault: Fault;
  /** Default sentence; says what to do where there is something to do. */
  message: string;
}

export const ERROR_KINDS = {
  invalid_json: { status: 400, retryable: false, fault: 'caller', message: 'The request body is not valid JSON.' },
  invalid_request: { status: 400, retryable: false, fault: 'caller', message: 'The request is not valid.' },
  unknown_field: { status: 400, retryable: false, fault: 'caller', message: 'The request has fields this call does not know.' },
  invalid_cursor: { status: 400, retryable: false, fault: 'caller', message: 'The cursor did not come from this list.' },
  unauthenticated: { status: 401, retryable: false, fault: 'caller', message: 'Send a Bearer token or HTTP Basic key:secret.' },
  invalid_credentials: { status: 401, retryable: false, fault: 'caller', message: 'The credentials are not valid.' },
  token_expired: { status: 401, retryable: false, fault: 'caller', message: 'The token has expired.' },
  forbidden: { status: 403, retryable: false, fault: 'caller', message: 'The credentials do not have the permission this call needs.' },
  not_found: { status: 404, retryable: false, fault: 'caller', message: 'There is nothing at this address.' },
  stream_not_found: { status: 404, retryable: false, fault: 'caller', message: 'There is no stream with this id.' },
  broadcast_not_found: { status: 404, retryable: false, fault: 'caller', message: 'There is no broadcast with this id.' },
  recording_not_found: { status: 404, retryable: false, fault: 'caller', message: 'There is no recording with this id.' },
  destination_not_found: { status: 404, retryable: false, fault: 'caller', message: 'There is no destination with this id.' },
  not_playable_yet: { status: 404, retryable: true, fault: 'caller', message: 'Nothing can be played here yet.' },
  media_not_found: {
    status: 404,
    retryable: false,
    fault: 'caller',
    message: 'There is no such playlist or segment, or it is no longer kept.',
  },
  origin_unavailable: { status: 503, retryable: true, fault: 'holdfast', message: 'The origin does not answer; ask again.' },
  reload_timeout: { status: 503, retryable: true, fault: 'holdfast', message: 'Nothing new came in time; ask again.' },
  method_not_allowed: { status: 405, retryable: false, fault: 'caller', message: 'This address does not take this method.' },
  stream_ended: { status: 409, retryable: false, fault: 'caller', message: 'The stream has ended and takes no more broadcasts.' },
  stream_disabled: { status: 409, retryable: false, fault: 'caller', message: 'The stream is disabled; enable it first.' },
  stream_ending: { status: 409, retryable: true, fault: 'caller', message: 'The stream is ending.' },
  idempotency_in_progress: {
    status: 409,
    retryable: true,
    fault: 'caller',
    message: 'The first request with this Idempotency-Key is still running.',
  },
  payload_too_large: { status: 413, retryable: false, fault: 'caller', message: 'The request body is too large.' },
  unsupported_media_type: { status: 415, retryable: false, fault: 'caller', message: 'Send the body as application/json.' },
  idempotency_mismatch: { status: 422, retryable: false, fault: 'caller', message: 'This Idempotency-Key was used with another request.' },
  rate_limited: { status: 429, retryable: true, fault: 'caller', message: 'Too many requests; wait and try again.' },
  internal: { status: 500, retryable: true, fault: 'holdfast', message: 'Something went wrong in Holdfast; the log has the details.' },
  temporal_unavailable: {
    status: 503,
    retryable: true,
    fault: 'dependency',
    message: 'Temporal does not answer, so the command was not taken. Try again.',
  },
  workers_unavailable: {
    status: 503,
    retryable: true,
    fault: 'dependency',
    message: 'No stream worker answered in time. The command may still be taken; sending it again is safe.',
  },
  database_unavailable: { status: 503, retryable: true, fault: 'dependency', message: 'The database does not answer. Try again.' },
  shutting_down: { status: 503, retryable: true, fault: 'holdfast', message: 'This process is shutting down. Try again.' },
  publish_unknown_key: { status: 403, retryable: false, fault: 'publisher', message: 'No stream has this stream key.' },
  publish_already: { status: 409, retryable: true, fault: 'publisher', message: 'Another encoder is publishing to this stream.' },
  publish_no_media: { status: 400, retryable: true, fault: 'publisher', message: 'The encoder connected but sent no media in time.' },
  publish_over_limit: { status: 400, retryable: false, fault: 'publisher', message: 'The encoder sends more than this host takes.' },
  host_full: {
    status: 503,
    retryable: true,
    fault: 'holdfast',
    message: 'This media host is full: it takes no more broadcasts now. Try again later.',
  },
  host_draining: {
    status: 503,
    retryable: true,
    fault: 'holdfast',
    message: 'This media host is going away and takes no new broadcasts. Try again.',
  },
  publish_unsupported_codec: {
    status: 400,
    retryable: false,
    fault: 'publisher',
    message: 'The encoder sends a codec Holdfast cannot decode.',
  },
  stream_not_live: { status: 409, retryable: true, fault: 'caller', message: 'The stream is not live, so nothing can be sent now.' },
  destination_url_invalid: { status: 400, retryable: false, fault: 'caller', message: 'The destination URL is not valid.' },
  destination_address_forbidden: {
    status: 400,
    retryable: false,
    fault: 'caller',
    message: 'The destination points to a private or local address; HOLDFAST_ALLOW_PRIVATE_ADDRESSES=1 allows that.',
  },
  destination_refused: {
    status: 502,
    retryable: false,
    fault: 'destination',
    message: 'The platform refused the stream. Check the URL and the stream key there.',
  },
  destination_unreachable: {
    status: 502,
    retryable: true,
    fault: 'destination',
    message: 'The platform could not be reached. Check the URL; the network may be away.',
  },
  destination_lost: { status: 502, retryable: true, fault: 'destination', message: 'The platform closed the connection.' },
  destination_wedged: {
    status: 502,
    retryable: true,
    fault: 'destination',
    message: 'The platform took no more data, so the connection was started again.',
  },
  destination_gave_up: {
    status: 502,
    retryable: false,
    fault: 'destination',
    message: 'The platform did not come back within the retry budget. Retry it when it is up again.',
  },
  destination_not_ended: {
    status: 502,
    retryable: false,
    fault: 'destination',
    message: 'The connection did not close in time and was cut.',
  },
  restream_source_changed: {
    status: 409,
    retryable: true,
    fault: 'publisher',
    message: 'The encoder came back with another format, so sending starts again on a new connection.',
  },
  restream_limit: {
    status: 503,
    retryable: true,
    fault: 'holdfast',
    message: 'This media host sends to as many destinations as it may (HOLDFAST_MAX_RESTREAMS). It is tried again.',
  },
  restream_source_lost: { status: 500, retryable: true, fault: 'holdfast', message: 'The programme to send was interrupted.' },
  stale_epoch: { status: 409, retryable: false, fault: 'holdfast', message: 'A newer encoder has taken over this broadcast.' },
  broadcast_ended: { status: 409, retryable: false, fault: 'holdfast', message: 'The broadcast has ended.' },
  encoder_failed: { status: 500, retryable: true, fault: 'holdfast', message: 'The encoder stopped unexpectedly.' },
  encoder_unavailable: {
    status: 500,
    retryable: false,
    fault: 'holdfast',
    message: 'The chosen video encoder does not work on this machine.',
  },
  disk_full: {
    status: 507,
    retryable: true,
    fault: 'holdfast',
    message: 'The disk of this media host is nearly full: it takes no new broadcasts now.',
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERROR_KINDS;

/** An error with a stable code. `details` is shown to callers: never put a secret in it. */
export class HoldfastError extends Error {
  readonly code: ErrorCode;
  readonly details: Record<string, unknown>;

  constructor(code: ErrorCode, message?: string, details: Record<string, unknown> = {}, options?: ErrorOptions) {
    super(message ?? ERROR_KINDS[code].message, options);
    this.name = 'HoldfastError';
    this.code = code;
    this.details = details;
  }

  get kind(): ErrorKind {
    return ERROR_KINDS[this.code];
  }
}
