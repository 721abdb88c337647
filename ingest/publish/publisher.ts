import type { PublisherStatus } from '../../domain/contracts/ingest-control.js';
import type { SourceLayout } from '../../domain/source.js';
import type { PublishStopped } from '../../workflows/messages.js';
import { GopMeter } from '../source/gop-meter.js';
import { FLV_AUDIO, FLV_SCRIPT, FLV_VIDEO } from '../rtmp/flv.js';
import type { MediaRelay } from '../relay/media-relay.js';
import { readAudioPacket, readVideoPacket } from '../rtmp/media-packet.js';
import type { RtmpConnection } from '../rtmp/rtmp-connection.js';
import { BitrateLimit, checkSource, type SourceLimits } from '../source/source-limits.js';
import { SourceProbe } from '../source/source-probe.js';
import { readMetadata } from '../rtmp/stream-metadata.js';
import { Timeline } from '../relay/timeline.js';

export type StopReason = PublishStopped['reason'];

export interface PublisherIdentity {
  /** Unguessable; names the publish in relay addresses and logs. */
  publishId: string;
  streamId: string;
  publishSeq: number;
}

export interface PublisherEvents {
  /** The media can be described: the layout is known from here on. */
  described(publisher: Publisher): void;
  /** Exactly once, whatever ended it. */
  stopped(publisher: Publisher, reason: StopReason): void;
}

/** One accepted publish: reads its media, describes it, hands it to the relay. */
export class Publisher {
  readonly connection: RtmpConnection;
  readonly relay: MediaRelay;
  #identity: PublisherIdentity;
  readonly #events: PublisherEvents;
  readonly #probe = new SourceProbe();
  readonly #gops = new GopMeter();
  readonly #timeline = new Timeline();
  readonly #limits: SourceLimits;
  readonly #bitrate: BitrateLimit;
  #stopped = false;
  #described = false;

  constructor(identity: PublisherIdentity, connection: RtmpConnection, relay: MediaRelay, limits: SourceLimits, events: PublisherEvents) {
    this.#identity = identity;
    this.connection = connection;
    this.relay = relay;
    this.#limits = limits;
    this.#bitrate = new BitrateLimit(limits.maxBitrate, performance.now());
    this.#events = events;
  }

  get identity(): PublisherIdentity {
    return this.#identity;
  }

  /** The same publish under another number (PublishClaims.renumber). */
  renumber(publishSeq: number): void {
    this.#identity = { ...this.#identity, publishSeq };
  }

  /** What it sends, or null while that is being found out. */
  get layout(): SourceLayout | null {
    return this.#probe.layout;
  }

  /** Its media was described, and its workflow told. */
  get described(): boolean {
    return this.#described;
  }

  /** How often its clock jumped and was corrected. */
  get discontinuities(): number {
    return this.#timeline.discontinuities;
  }

  idleMs(now = Date.now()): number {
    return now - this.connection.lastByteAt;
  }

  /** Null until the media is described. */
  status(): PublisherStatus | null {
    const source = this.layout;
    if (!source) return null;
    const { bytesIn } = this.connection;
    return {
      ...this.identity,
      source,
      bytesIn,
      idleMs: this.idleMs(),
      mediaMs: this.#timeline.reached,
      readers: this.relay.starts,
      gop: this.#gops.gop,
    };
  }

  /**
   * One RTMP message of type audio, video or data.
   *
   * @throws HoldfastError publish_unsupported_codec, publish_over_limit
   */
  take(type: number, timestampMs: number, payload: Buffer): void {
    if (this.#stopped) return;
    this.#bitrate.add(payload.length, performance.now());
    if (type === FLV_SCRIPT) {
      const metadata = readMetadata(payload);
      if (metadata) this.#probe.describe(metadata);
      return;
    }
    if (type !== FLV_AUDIO && type !== FLV_VIDEO) return;
    const packet = type === FLV_VIDEO ? readVideoPacket(payload) : readAudioPacket(payload);
    if (packet.kind === 'ignored') return;
    // Sequence headers often carry time 0 whatever the clock says: only frames set it.
    const isFrame = packet.kind === 'frame' || packet.kind === 'keyframe';
    const timeMs = isFrame ? this.#timeline.map(packet.track, timestampMs) : this.#timeline.now;
    const before = this.layout;
    const wasKnown = before !== null;
    this.#probe.add(packet, timeMs);
    if (this.layout && this.layout !== before) checkSource(this.layout, this.#limits);
    if (packet.kind !== 'unsupported' && packet.track === 'video') {
      const frameRate = this.layout?.video?.frameRate ?? null;
      if (this.#gops.add(packet, timeMs, frameRate)) this.relay.endCopies();
    }
    if (packet.kind !== 'unsupported' && (!wasKnown || this.layout?.[packet.track])) {
      this.relay.write({ track: packet.track, kind: packet.kind, timeMs, payload });
    }
    if (!wasKnown && this.layout) {
      this.connection.goLive();
      this.#described = true;
      this.#events.described(this);
    }
  }

  /** Ends the publish (idempotent); closing the connection is the caller's. */
  stop(reason: StopReason): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.relay.end();
    this.#events.stopped(this, reason);
  }
}
