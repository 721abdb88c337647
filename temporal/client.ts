import { Client, Connection } from '@temporalio/client';

export interface TemporalAddress {
  /** host:port */
  address: string;
  namespace: string;
}

/** Every call a request waits for ends by this; api.md promises an answer within 5 s. */
export const CALL_DEADLINE_MS = 4000;

/** A lazily connected client: a process starts, and answers 503, while Temporal is away. */
export function createTemporalClient({ address, namespace }: TemporalAddress): Client {
  return new Client({ connection: Connection.lazy({ address }), namespace });
}
