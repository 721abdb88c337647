import type { SourceLimits } from './source/source-limits.js';

/** What one ingest allows; every figure has its reason here. Tests make them smaller. */
export interface IngestLimits extends SourceLimits {
  /** Streams on this host at once; one more is refused. */
  maxStreams: number;
  /** Milliseconds from the connection to the end of the RTMP handshake. */
  handshakeMs: number;
  /** Milliseconds from there to the publish command. */
  publishCommandMs: number;
  /** Milliseconds from an accepted publish until its media can be described. */
  firstMediaMs: number;
  /** Milliseconds without a byte after which a publisher is gone. */
  silentMs: number;
  /** Milliseconds without a byte after which another encoder with the same key may take its place. */
  takeoverMs: number;
  /** Milliseconds Postgres may take to decide about a publisher. */
  claimMs: number;
  /** Milliseconds between two comparisons of a publisher with what its workflow believes. */
  beliefMs: number;
  connections: number;
  /** Of one client (domain/client-network.ts): an IPv4 address, or an IPv6 /64. */
  connectionsPerAddress: number;
  /** Bytes kept for readers that join late. */
  cacheBytes: number;
  /** Milliseconds of media kept from the first keyframe of a publish. */
  cacheMs: number;
  /** Bytes one reader may lag behind before it is dropped. */
  readerBytes: number;
}

export const DEFAULT_LIMITS: IngestLimits = {
  // The settings of these five are HOLDFAST_MAX_*; here are values that refuse nothing real.
  maxStreams: 1000,
  maxLongSide: 7680,
  maxShortSide: 4320,
  maxFrameRate: 240,
  maxBitrate: 200_000_000,
  // Three round trips; 10 s is enough for a satellite link and too short to hoard sockets.
  handshakeMs: 10_000,
  publishCommandMs: 10_000,
  // Encoders with slow cameras need some seconds; 10 s proved too short for other servers.
  firstMediaMs: 20_000,
  // Encoders send audio or video many times a second. 5 s cuts off mobile handovers, above 10 s viewers wait in vain.
  silentMs: 8_000,
  // An encoder that reconnects after a network change must not wait for its own dead connection to be noticed.
  takeoverMs: 3_000,
  claimMs: 3_000,
  // Well within the shortest reconnect window, so that a workflow that lost its publisher gets it back; one query costs little.
  beliefMs: 10_000,
  // Far above what one host can encode; keeps a flood from using up the file descriptors.
  connections: 1_000,
  // Several encoders behind one address are usual, hundreds are not.
  connectionsPerAddress: 100,
  // 40 s at 6 Mbit/s, the highest rate platforms recommend for 1080p.
  cacheBytes: 32 * 1024 * 1024,
  // A workflow and an encoder that start late, even after a worker's restart, still get the first picture.
  cacheMs: 20_000,
  // The whole cache and as much again: a reader so far behind never catches up.
  readerBytes: 64 * 1024 * 1024,
};

/** How far a connection has come; the last two end by themselves. */
export type ConnectionPhase = 'handshake' | 'command' | 'claiming' | 'probing' | 'live' | 'leaving' | 'closing';

export interface ConnectionAge {
  phase: ConnectionPhase;
  /** Milliseconds since the phase began. */
  phaseMs: number;
  /** Milliseconds since the last byte came in. */
  idleMs: number;
}

export type Overdue = 'handshake_timeout' | 'no_publish' | 'no_media' | 'silent';

/** Why a connection has to go now, or null. While a claim is decided the ingest itself does not read. */
export function overdue({ phase, phaseMs, idleMs }: ConnectionAge, limits: IngestLimits): Overdue | null {
  switch (phase) {
    case 'handshake':
      return phaseMs > limits.handshakeMs ? 'handshake_timeout' : null;
    case 'command':
      return phaseMs > limits.publishCommandMs ? 'no_publish' : null;
    case 'probing':
      return phaseMs > limits.firstMediaMs ? 'no_media' : null;
    case 'live':
      return idleMs > limits.silentMs ? 'silent' : null;
    case 'claiming':
    case 'leaving':
    case 'closing':
      return null;
  }
}
