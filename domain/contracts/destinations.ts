import type { RestreamRendition } from '../destination.js';

/** What the media worker needs of a destination; secrets never travel through Temporal, so it reads them itself. */
export interface DestinationTarget {
  destinationId: string;
  streamId: string;
  /** As the user gave it: rtmp(s):// or srt://, the key at its end if `streamKey` is null. */
  url: string;
  streamKey: string | null;
  rendition: RestreamRendition;
  /** Show a still picture while the encoder is away. */
  slate: boolean;
}

/** The media worker's view of destinations in Postgres. */
export interface DestinationTargets {
  /** null when the destination was deleted. */
  resolve(destinationId: string): Promise<DestinationTarget | null>;
  /** Shown by the API; a lost report is overtaken by the next one. */
  reportProgress(destinationId: string, bytesSent: number): Promise<void>;
}

/** What a stream workflow asks when it goes live, and when a destination was changed. */
export interface DestinationSummary {
  destinationId: string;
  /** Safe for the Temporal UI and the timeline: the user's name or the platform's, never a URL. */
  label: string;
  enabled: boolean;
  /** Changes whenever URL, key, rendition or slate change: only then is a running restream started again. */
  revision: string;
}
