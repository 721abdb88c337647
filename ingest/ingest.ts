import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Registry } from 'prom-client';
import { CLAIM_LOSSES, type PublishClaims } from '../domain/contracts/publish-claims.js';
import { ERROR_KINDS, type ErrorCode, HoldfastError } from '../domain/errors.js';
import type { Logger } from '../platform/log/logger.js';
import { ConnectionWatch } from './connection-watch.js';
import { Connections } from './connections.js';
import { Admissions } from './publish/admission.js';
import { BeliefRounds } from './publish/belief-rounds.js';
import { hostRoom } from './publish/host-room.js';
import { createIngestMetrics, type IngestMetrics } from './ingest-metrics.js';
import type { IngestLimits, Overdue } from './limits.js';
import { LogBudget } from './rtmp/log-budget.js';
import { MediaRelay } from './relay/media-relay.js';
import { Programmes } from './programme/programmes.js';
import { Publisher, type PublisherIdentity, type StopReason } from './publish/publisher.js';
import { Publishers } from './publish/publishers.js';
import { PublishSession } from './publish/publish-session.js';
import { RefusalNotices } from './publish/refusal-notices.js';
import type { PublishAddress } from './rtmp/publish-address.js';
import { RtmpConnection } from './rtmp/rtmp-connection.js';
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
  readonly #connections: Connections;
  /** Publishes whose workflow has not heard everything yet; they may outlive their connection. */
  readonly #telling = new Set<PublishSession>();
  readonly #beliefs: BeliefRounds<PublishSession>;
  readonly #watch: ConnectionWatch<RtmpConnection>;
  #draining = false;
  #closedBytes = 0;

  constructor(options: IngestOptions) {
    this.#options = options;
    const { limits, log } = options;
    this.#connections = new Connections(limits);
    this.#admissions = new Admissions({
      ...options,
      publishers: this.publishers,
      room: () => hostRoom({ maxStreams: limits.maxStreams, draining: this.#draining, diskFull: options.isDiskFull() }),
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
      pendingSignals: () => [...this.#telling].reduce((sum, { pending }) => sum + pending, 0),
      draining: () => this.#draining,
      bytesIn: () => [...this.#connections.all()].reduce((sum, { bytesIn }) => sum + bytesIn, this.#closedBytes),
    });
    this.#beliefs = new BeliefRounds({
      publishers: () => this.#connections.sessions().filter(({ publisher }) => publisher.described),
      periodMs: limits.beliefMs,
      clock: Date.now,
      log,
    });
    this.#watch = new ConnectionWatch({
      connections: () => this.#connections.all(),
      ageOf: (connection, now) => ({
        phase: connection.phase,
        phaseMs: connection.phaseMs(now),
        idleMs: now - connection.lastByteAt,
      }),
      limits,
      overdue: (connection, late) => this.#end(connection, late),
      awoke: (stoodStillMs) => {
        log.warn({ stoodStillMs }, 'this process stood still; workflows are asked what they believe by now');
        this.#beliefs.hurry();
      },
      tick: () => this.#beliefs.tick(),
    });
  }

  /** A new socket of the RTMP listener. */
  connect(socket: Socket): void {
    const { log } = this.#options;
    const address = socket.remoteAddress ?? '';
    const full = this.#connections.fullFor(address);
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
      ended: () => this.#connections.sessionOf(connection)?.publisher.stop('closed'),
      protocolError: (error) => this.#protocolError(connection, error),
      closed: () => this.#closed(connection),
    });
    this.#connections.add(connection, address);
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
    this.#watch.close();
    this.programmes.close();
    const sessions = new Set([...this.#telling, ...this.#connections.sessions()]);
    for (const { publisher } of sessions) publisher.stop('closed');
    for (const connection of [...this.#connections.all()]) connection.refuse('This ingest is shutting down. Reconnect.');
    const limit = setTimeout(() => {
      for (const session of sessions) session.abandon();
    }, limitMs);
    await Promise.all([...sessions].map((session) => session.end()));
    clearTimeout(limit);
  }

  async #publish(connection: RtmpConnection, { app, streamKey }: PublishAddress): Promise<void> {
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
    const { limits, log } = this.#options;
    const before = this.publishers.ofStream(identity.streamId);
    if (before) {
      log.info({ ...before.identity, idleMs: before.idleMs() }, 'silent publisher replaced');
      before.stop('silent');
      before.connection.destroy();
    }
    const publisher = new Publisher(identity, connection, new MediaRelay(limits, log.child(identity)), limits, {
      described: () => this.#described(session),
      stopped: (_publisher, reason) => this.#stopped(session, reason),
    });
    const session: PublishSession = new PublishSession(publisher, {
      ...this.#options,
      lost: (reason) => this.disconnect(publisher, CLAIM_LOSSES[reason].words),
      refused: (error) => {
        publisher.stop('disconnected');
        this.#refuse(connection, error.code, error.message);
      },
    });
    if (!this.#connections.has(connection)) {
      // It left while its key was checked.
      void session.end();
      return;
    }
    this.#connections.assign(connection, session);
    this.publishers.add(publisher);
    this.#metrics.accepted();
    log.info({ ...identity, remoteAddress: connection.remoteAddress }, 'publisher accepted');
    connection.accept();
  }

  #take(connection: RtmpConnection, type: number, timestampMs: number, payload: Buffer): void {
    const publisher = this.#connections.sessionOf(connection)?.publisher;
    if (!publisher) return;
    try {
      publisher.take(type, timestampMs, payload);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      publisher.stop('error');
      this.#refusePublisher(publisher, error.code, error.message);
    }
  }

  #described(session: PublishSession): void {
    const { publisher } = session;
    const { connection, identity, layout: source } = publisher;
    this.#options.log.info({ ...identity, source, afterMs: connection.sinceAcceptMs }, 'media has arrived');
    this.programmes.join(publisher);
    session.announce();
  }

  #stopped(session: PublishSession, reason: StopReason): void {
    const { publisher } = session;
    this.publishers.remove(publisher);
    this.programmes.leave(publisher);
    this.#metrics.stopped(reason);
    const { bytesIn } = publisher.connection;
    const { identity, discontinuities: clockCorrections } = publisher;
    this.#options.log.info({ ...identity, reason, bytesIn, clockCorrections }, 'publisher stopped');
    session.stopped(reason);
    this.#telling.add(session);
    void session.end().then(() => this.#telling.delete(session));
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
    const publisher = this.#connections.sessionOf(connection)?.publisher;
    const { remoteAddress } = connection;
    this.#protocolErrors.warn({ remoteAddress, reason: error.message, ...publisher?.identity });
    publisher?.stop('error');
  }

  #closed(connection: RtmpConnection): void {
    const session = this.#connections.sessionOf(connection);
    this.#connections.remove(connection);
    this.#closedBytes += connection.bytesIn;
    session?.publisher.stop('closed');
  }

  #end(connection: RtmpConnection, late: Overdue): void {
    const { remoteAddress } = connection;
    const publisher = this.#connections.sessionOf(connection)?.publisher;
    if (late === 'silent') {
      publisher?.stop('silent');
      connection.destroy();
      return;
    }
    if (late === 'no_media') {
      publisher?.stop('error');
      if (publisher) this.#refusePublisher(publisher, 'publish_no_media', ERROR_KINDS.publish_no_media.message);
      return;
    }
    this.#metrics.refused(late);
    this.#turnedAway.warn({ remoteAddress, reason: late });
    connection.destroy();
  }
}
