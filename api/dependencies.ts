import type { Registry } from 'prom-client';
import type { ApiKeyRepository } from '../platform/db/repositories/api-keys.js';
import type { BroadcastRepository } from '../platform/db/repositories/broadcasts.js';
import type { DestinationRepository } from '../platform/db/repositories/destinations.js';
import type { EventRepository } from '../platform/db/repositories/events.js';
import type { HostRepository } from '../platform/db/repositories/hosts.js';
import type { IdempotencyRepository } from '../platform/db/repositories/idempotency.js';
import type { RecordingRepository } from '../platform/db/repositories/recordings.js';
import type { StreamRepository } from '../platform/db/repositories/streams.js';
import type { Logger } from '../platform/log/logger.js';
import type { ReadyCheck } from '../platform/ops/ops-server.js';
import type { StreamCommands } from './workflow-commands.js';

/** Addresses as encoders and viewers see them. */
export interface PublicAddresses {
  /** Application part included: `${rtmp}/${streamKey}` is what an encoder needs. */
  rtmp: string;
  playback: string;
  /** The media host whose settings the API shares; viewers find that one at `playback`. */
  hostId: string;
  /** `playback` leads to every media host (a load balancer or CDN), so it is shown for all of them. */
  playbackIsShared: boolean;
}

export interface ApiDependencies {
  apiKeys: ApiKeyRepository;
  streams: StreamRepository;
  broadcasts: BroadcastRepository;
  recordings: RecordingRepository;
  destinations: DestinationRepository;
  events: EventRepository;
  hosts: HostRepository;
  idempotency: IdempotencyRepository;
  commands: StreamCommands;
  addresses: PublicAddresses;
  readyChecks: Record<string, ReadyCheck>;
  registry: Registry;
  log: Logger;
  /** Destinations may point to loopback and private networks. */
  allowPrivateAddresses: boolean;
  /** Of one credential, and without a valid one of one client network, before it is told to wait. */
  requestsPerMinute: number;
  /** Addresses and networks whose X-Forwarded-For is believed. */
  trustedProxies: readonly string[];
}
