import { randomBytes, randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Registry } from 'prom-client';
import { clientNetwork } from '../domain/client-network.js';
import type { PublishClaims } from '../domain/contracts/publish-claims.js';
import { ERROR_KINDS, type ErrorCode, HoldfastError } from '../domain/errors.js';
import type { Logger } from '../platform/log/logger.js';
import { Admissions } from './publish/admission.js';
import { ClaimLease } from './publish/claim-lease.js';
import { hostRoom } from './publish/host-room.js';
import { createIngestMetrics, type IngestMetrics } from './ingest-metrics.js';
import { type IngestLimits, overdue, type Overdue } from './limits.js';
import { LogBudget } from './rtmp/log-budget.js';
import { MediaRelay } from './relay/media-relay.js';
import { Programmes } from './programme/programmes.js';
import { Publisher, type PublisherIdentity, type StopReason } from './publish/publisher.js';
import { Publishers } from './publish/publishers.js';
import { RefusalNotices } from './publish/refusal-notices.js';
import { type PublishRequest, RtmpConnection } from './rtmp/rtmp-connection.js';
import { SignalOutbox } from './publish/signal-outbox.js';
import type { StreamSignals } from './publish/stream-signals.js';

export interface IngestOptions {
  hostId: string;
  claims: PublishClaims;
  signals: StreamSignals;
  /** Where the media worker of this host keeps its slates. */
  slatesDir: string;
  limits: IngestLimits;
  /** The disk of this host is nearly full: no new broadcasts. */
  isDiskFull(): boolean;
  registry: Registry;
  log: Logger;
}

/** The one RTMP application; the path before the stream key. */
const APPLICATION = 'live';
/** How often limits are looked at: well below the shortest of them. */
const WATCH_MS = 250;
/** When the process itself stood still, bytes wait unread, and silence proves nothing. */
const STALLED_MS = 1000;

/** What belongs to one accepted publish beside its media. */
interface Session {
  publisher: Publisher;
  lease: ClaimLease;
  outbox: SignalOutbox;
}

/** Takes RTMP connections and makes publishers of them: who may publish, until when, and who is told. */
export class Ingest {
  readonly publishers = new Publishers();
  readonly programmes: Programmes;
  readonly #options: IngestOptions;
  readonly #admissions: Admissions;
  readonly #metrics: IngestMetrics;
  readonly #protocolErrors: LogBudget;
  readonly #turnedAway: LogBudget;
  readonly #refusals: RefusalNotices;
  readonly #connections = new Map<RtmpConnection, { network: string; session: Session | null }>();
  /** Publishes whose workflow has not heard everything yet; they may outlive their connection. */
  readonly #telling = new Set<Session>();
  readonly #watch: NodeJS.Timeout;
  #watchedAt = Date.now();
  #draining = false;
  #closedBytes = 0;

  constructor(options: IngestOptions) {
    this.#options = options;
    const { log } = options;
    this.#admissions = new Admissions({
      ...options,
      publishers: this.publishers,
      room: () => hostRoom({ maxStreams: options.limits.maxStreams, draining: this.#draining, diskFull: options.isDiskFull() }),
    });
    this.#refusals = new RefusalNotices(options.signals, log);
    this.programmes = new Programmes({ ...options, publishers: this.publishers });
    this.#protocolErrors = new LogBudget(log, 'connection closed: its bytes are not valid RTMP');
    this.#turnedAway = new LogBudget(log, 'connection turned away');
    this.#metrics = createIngestMetrics(options.registry, {
      publishers: () => this.publishers.all().length,
      connections: () => this.#connections.size,
      relayReaders: () => this.publishers.all().reduce((sum, { relay }) => sum + relay.readers, 0),
      programmeReaders: () => this.programmes.readers,
      pendingSignals: () => [...this.#telling].reduce((sum, { outbox }) => sum + outbox.pending, 0),
      draining: () => this.#draining,
      bytesIn: () => [...this.#connections.keys()].reduce((sum, { bytesIn }) => sum + bytesIn, this.#closedBytes),
    });
    this.#watch = setInterval(() => this.#lookAfter(), WATCH_MS);
  }

  /** A new socket of the RTMP listener. */
  connect(socket: Socket): void {
    const { log } = this.#options;
    const address = socket.remoteAddress ?? '';
    const network = clientNetwork(address);
    const full = this.#fullFor(network);
    if (full) {
      this.#metrics.refused(full);
      this.#turnedAway.warn({ remoteAddress: address, reason: full });
      socket.on('error', () => undefined).destroy();
      return;
    }
    const connection: RtmpConnection = new RtmpConnection(socket, {
      publish: (request) => {
        this.#publish(connection, request).catch((error: unknown) => {
          log.error({ err: error, remoteAddress: connection.remoteAddress }, 'publish failed');
          connection.destroy();
        });
      },
      media: (type, timestampMs, payload) => this.#take(connection, type, timestampMs, payload),
      protocolError: (error) => this.#protocolError(connection, error),
      closed: () => this.#closed(connection),
    });
    this.#connections.set(connection, { network, session: null });
  }

  /** Ends one publisher from outside. */
  disconnect(publisher: Publisher, reason: string): void {
    this.#options.log.info({ ...publisher.identity, reason }, 'publisher disconnected');
    publisher.stop('disconnected');
    publisher.connection.refuse(`Holdfast ended this publish: ${reason}.`);
  }

  /** No new broadcasts from now on; publishers of broadcasts on this host may still come back to them. */
  drain(): void {
    this.#draining = true;
  }

  /** Ends every publisher, tells their workflows and gives the streams free; waits at most `limitMs` for both. */
  async close(limitMs: number): Promise<void> {
    clearInterval(this.#watch);
    this.programmes.close();
    const sessions = new Set(this.#telling);
    for (const { session } of this.#connections.values()) if (session) sessions.add(session);
    for (const { publisher } of sessions) publisher.stop('closed');
    for (const connection of this.#connections.keys()) connection.refuse('This ingest is shutting down. Reconnect.');
    const limit = setTimeout(() => {
      for (const { outbox } of sessions) outbox.abandon();
    }, limitMs);
    await Promise.all([...sessions].flatMap(({ outbox, lease }) => [outbox.settled(), lease.end()]));
    clearTimeout(limit);
  }

  #fullFor(network: string): 'too_many_connections' | 'too_many_connections_of_address' | null {
    const { limits } = this.#options;
    if (this.#connections.size >= limits.connections) return 'too_many_connections';
    const same = [...this.#connections.values()].filter((known) => known.network === network).length;
    return same >= limits.connectionsPerAddress ? 'too_many_connections_of_address' : null;
  }

  async #publish(connection: RtmpConnection, { app, streamKey }: PublishRequest): Promise<void> {
    const { remoteAddress } = connection;
    if (app !== APPLICATION) {
      const message = `Publish to the application "${APPLICATION}": rtmp://…/${APPLICATION}/<stream key>.`;
      this.#refuse(connection, 'unknown_application', message);
      return;
    }
    const publishId = `pub_${randomBytes(16).toString('hex')}`;
    const admission = await this.#admissions.admit({ streamKey, publishId, remoteAddress });
    if (!admission.accepted) {
      this.#refuse(connection, admission.code, admission.message);
      if (admission.streamId) this.#refusals.tell(admission.streamId, { ...admission, remoteAddress });
      return;
    }
    this.#begin(connection, { publishId, streamId: admission.streamId, publishSeq: admission.publishSeq });
  }

  #begin(connection: RtmpConnection, identity: PublisherIdentity): void {
    const { claims, limits, log } = this.#options;
    const { publishId, streamId } = identity;
    const before = this.publishers.ofStream(streamId);
    if (before) {
      log.info({ ...before.identity, idleMs: before.idleMs() }, 'silent publisher replaced');
      before.stop('silent');
      before.connection.destroy();
    }
    const publisher = new Publisher(identity, connection, new MediaRelay(limits, log.child(identity)), limits, {
      described: () => this.#described(session),
      stopped: (_publisher, reason) => this.#stopped(session, reason),
    });
    const lease = new ClaimLease({
      claims,
      publishId,
      bytesIn: () => connection.bytesIn,
      lost: () => this.disconnect(publisher, 'another publisher has taken the stream over'),
      log,
    });
    const session: Session = { publisher, lease, outbox: new SignalOutbox(log.child({ publishId, streamId })) };
    const known = this.#connections.get(connection);
    if (!known) {
      // It left while its key was checked.
      void lease.end();
      return;
    }
    known.session = session;
    this.publishers.add(publisher);
    this.#metrics.accepted();
    log.info({ ...identity, remoteAddress: connection.remoteAddress }, 'publisher accepted');
    connection.accept();
  }

  #take(connection: RtmpConnection, type: number, timestampMs: number, payload: Buffer): void {
    const publisher = this.#connections.get(connection)?.session?.publisher;
    if (!publisher) return;
    try {
      publisher.take(type, timestampMs, payload);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      publisher.stop('error');
      this.#refusePublisher(publisher, error.code, error.message);
    }
  }

  #described({ publisher, outbox }: Session): void {
    const { signals, hostId, log } = this.#options;
    const source = publisher.layout;
    if (!source) return;
    const { connection, identity } = publisher;
    const { remoteAddress } = connection;
    log.info({ ...identity, source, afterMs: connection.sinceAcceptMs }, 'media has arrived');
    this.programmes.join(publisher);
    const started = { eventId: randomUUID(), ...identity, hostId, source, remoteAddress };
    outbox.push({
      what: 'publishStarted',
      send: () => signals.publishStarted(started),
      refused: (error) => {
        publisher.stop('disconnected');
        this.#refuse(connection, error.code, error.message);
      },
    });
  }

  #stopped(session: Session, reason: StopReason): void {
    const { signals, log } = this.#options;
    const { publisher, lease, outbox } = session;
    const { streamId, publishId, publishSeq } = publisher.identity;
    this.publishers.remove(publisher);
    this.programmes.leave(publisher);
    this.#metrics.stopped(reason);
    const { bytesIn } = publisher.connection;
    const { identity, discontinuities: clockCorrections } = publisher;
    log.info({ ...identity, reason, bytesIn, clockCorrections }, 'publisher stopped');
    if (publisher.described) {
      const stopped = { eventId: randomUUID(), publishId, publishSeq, reason };
      outbox.push({ what: 'publishStopped', send: () => signals.publishStopped(streamId, stopped) });
    }
    this.#telling.add(session);
    void Promise.all([outbox.settled(), lease.end()]).then(() => this.#telling.delete(session));
  }

  #refusePublisher({ connection, identity }: Publisher, code: ErrorCode, message: string): void {
    this.#refuse(connection, code, message);
    this.#refusals.tell(identity.streamId, { code, message, remoteAddress: connection.remoteAddress });
  }

  #refuse(connection: RtmpConnection, code: string, message: string): void {
    this.#metrics.refused(code);
    this.#options.log.info({ remoteAddress: connection.remoteAddress, code }, 'publisher refused');
    connection.refuse(message);
  }

  #protocolError(connection: RtmpConnection, error: Error): void {
    this.#metrics.protocolError();
    const publisher = this.#connections.get(connection)?.session?.publisher;
    const { remoteAddress } = connection;
    this.#protocolErrors.warn({ remoteAddress, reason: error.message, ...publisher?.identity });
    publisher?.stop('error');
  }

  #closed(connection: RtmpConnection): void {
    const known = this.#connections.get(connection);
    this.#connections.delete(connection);
    this.#closedBytes += connection.bytesIn;
    known?.session?.publisher.stop('closed');
  }

  #lookAfter(): void {
    const now = Date.now();
    const stalled = now - this.#watchedAt > WATCH_MS + STALLED_MS;
    this.#watchedAt = now;
    if (stalled) return;
    for (const [connection, { session }] of this.#connections) {
      const { phase, lastByteAt } = connection;
      const late = overdue({ phase, phaseMs: connection.phaseMs(now), idleMs: now - lastByteAt }, this.#options.limits);
      if (late) this.#end(connection, session, late);
    }
  }

  #end(connection: RtmpConnection, session: Session | null, late: Overdue): void {
    const { remoteAddress } = connection;
    if (late === 'silent') {
      session?.publisher.stop('silent');
      connection.destroy();
      return;
    }
    if (late === 'no_media') {
      session?.publisher.stop('error');
      if (session) this.#refusePublisher(session.publisher, 'publish_no_media', ERROR_KINDS.publish_no_media.message);
      return;
    }
    this.#metrics.refused(late);
    this.#turnedAway.warn({ remoteAddress, reason: late });
    connection.destroy();
  }
}
