import { Client, Connection, defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client';

export interface TemporalAddress {
  /** host:port */
  address: string;
  namespace: string;
}

export interface TemporalClientOptions extends TemporalAddress {
  /**
   * Give up at once while Temporal refuses connections, for callers with somebody waiting. Without it a call is tried
   * again for several seconds.
   */
  failFast?: boolean;
}

/** Every call a request waits for ends by this; the API promises an answer within 5 s. */
export const CALL_DEADLINE_MS = 4000;

/** gRPC's own pauses grow to two minutes: Temporal would be back long before anybody noticed. */
const RECONNECT_BACKOFF = { 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 1000 };
/** A call cut off by a restart of Temporal is tried again at once; one that finds nobody there is not. */
const FAIL_FAST_ATTEMPTS = 3;
/** gRPC status code 14. */
const GRPC_UNAVAILABLE = 14;

/** A lazily connected client: a process starts, and answers 503, while Temporal is away. */
export function createTemporalClient({ address, namespace, failFast = false }: TemporalClientOptions): Client {
  const connection = Connection.lazy({
    address,
    channelArgs: RECONNECT_BACKOFF,
    ...(failFast ? { interceptors: [failFastInterceptor()] } : {}),
  });
  return new Client({ connection, namespace });
}

function failFastInterceptor() {
  const options = defaultGrpcRetryOptions();
  return makeGrpcRetryInterceptor({
    ...options,
    retryableDecider: (attempt, answer) => {
      const unavailable = answer.code === GRPC_UNAVAILABLE;
      const nobodyThere = /no connection established/i.test(answer.details);
      if (unavailable && (nobodyThere || attempt >= FAIL_FAST_ATTEMPTS)) return false;
      return options.retryableDecider(attempt, answer);
    },
  });
}
