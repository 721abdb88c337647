import type { MediaSummary } from '../../activities/media.js';
import type { BroadcastProjection, RecordingProjection, RecordingStatus } from '../../domain/contracts/catalog.js';
import { pickLadder, type Rendition } from '../../domain/ladder.js';
import type { SourceLayout } from '../../domain/source.js';
import type { EndCause, StreamSettings, StreamStatus } from '../../domain/stream.js';

/** What is told of a broadcast: the row and the recording that Postgres shows. */
export class BroadcastRecord {
  readonly broadcastId: string;
  settings!: StreamSettings;
  source: SourceLayout;
  liveAt: string | null = null;
  endedAt: string | null = null;
  /** Since it has changed its host: the one that has it now. */
  hostId: string | null = null;
  /** Renditions that the host was too slow for: they stay away for the rest of the broadcast. */
  dropped: string[] = [];

  constructor(broadcastId: string, source: SourceLayout) {
    this.broadcastId = broadcastId;
    this.source = source;
  }

  get renditions(): Rendition[] {
    return pickLadder(this.source, this.settings.ladder, this.dropped).renditions;
  }

  get recordingId(): string {
    return this.broadcastId.replace(/^brd_/, 'rec_');
  }

  projection(status: StreamStatus, endCause: EndCause | null = null, summary: MediaSummary | null = null): BroadcastProjection {
    return {
      broadcastId: this.broadcastId,
      status: status === 'idle' ? 'ended' : status,
      source: this.source,
      renditions: this.renditions,
      liveAt: this.liveAt,
      endedAt: this.endedAt,
      endCause,
      ...(this.hostId === null ? {} : { hostId: this.hostId }),
      ...measured(summary),
    };
  }

  recording(status: RecordingStatus, summary: MediaSummary | null = null): RecordingProjection {
    return { recordingId: this.recordingId, broadcastId: this.broadcastId, status, ...measured(summary) };
  }
}

const measured = (summary: MediaSummary | null) => ({
  durationSeconds: summary?.durationSeconds ?? null,
  bytes: summary?.bytes ?? null,
});
