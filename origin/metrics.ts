import { Counter, Gauge, type Registry } from 'prom-client';

/** What a process counts of its viewers. */
export interface ViewerMetrics {
  /** Counts an answer; adding it up is left to whoever reads the counter, since viewers ask thousands of times a second. */
  answered(kind: string, status: number, bytes: number): void;
  /** Bytes of an answer that is counted elsewhere. */
  served(bytes: number): void;
  heldRequests: { observe(size: () => number): void };
}

export interface OriginMetrics extends ViewerMetrics {
  openBroadcasts: Gauge;
  segments: Counter;
  mediaBytes: Counter;
  writeFailures: Counter;
  refusedOutputs: Counter;
  overlongSegments: Counter;
  journalsRead: Counter;
  summariesRead: Counter;
  publishSeconds: Gauge;
}

/** A gauge that asks when it is read: nothing is counted while viewers come and go. */
function observedGauge(name: string, help: string, registers: Registry[]): { observe(size: () => number): void } {
  let read = (): number => 0;
  const gauge: Gauge = new Gauge({ name, help, registers, collect: () => gauge.set(read()) });
  return { observe: (size) => void (read = size) };
}

export function createViewerMetrics(registry: Registry): ViewerMetrics {
  const registers = [registry];
  const answers = new Map<string, number>();
  let bytesServed = 0;
  const requests: Counter<'kind' | 'status'> = new Counter({
    name: 'holdfast_origin_requests_total',
    help: 'Playback requests',
    labelNames: ['kind', 'status'],
    registers,
    collect: () => {
      for (const [key, count] of answers) {
        const [kind = '', status = ''] = key.split(' ');
        requests.inc({ kind, status }, count);
      }
      answers.clear();
    },
  });
  const servedBytes: Counter = new Counter({
    name: 'holdfast_origin_served_bytes_total',
    help: 'Bytes of playback answers',
    registers,
    collect: () => {
      servedBytes.inc(bytesServed);
      bytesServed = 0;
    },
  });
  return {
    answered: (kind, status, bytes) => {
      const key = `${kind} ${status}`;
      answers.set(key, (answers.get(key) ?? 0) + 1);
      bytesServed += bytes;
    },
    served: (bytes) => void (bytesServed += bytes),
    heldRequests: observedGauge('holdfast_origin_held_requests', 'Viewers that wait for the next part', registers),
  };
}

export function createOriginMetrics(registry: Registry): OriginMetrics {
  const registers = [registry];
  return {
    ...createViewerMetrics(registry),
    openBroadcasts: new Gauge({ name: 'holdfast_origin_open_broadcasts', help: 'Broadcasts that have not ended', registers }),
    segments: new Counter({
      name: 'holdfast_origin_segments_total',
      help: 'Segments published, one per interval and rendition',
      registers,
    }),
    mediaBytes: new Counter({ name: 'holdfast_origin_media_bytes_total', help: 'Bytes of published segments', registers }),
    writeFailures: new Counter({ name: 'holdfast_origin_write_failures_total', help: 'Segments the disk refused', registers }),
    refusedOutputs: new Counter({
      name: 'holdfast_origin_refused_outputs_total',
      help: 'Encoder outputs closed because of what they sent',
      registers,
    }),
    overlongSegments: new Counter({
      name: 'holdfast_origin_overlong_segments_total',
      help: 'Segments above the target duration',
      registers,
    }),
    journalsRead: new Counter({
      name: 'holdfast_origin_journals_read_total',
      help: 'Journals read from disk: of open broadcasts at the start, of ended ones when they are watched',
      registers,
    }),
    summariesRead: new Counter({
      name: 'holdfast_origin_summaries_read_total',
      help: 'Ended broadcasts that somebody asked for and that were not in memory',
      registers,
    }),
    publishSeconds: new Gauge({
      name: 'holdfast_origin_publish_seconds',
      help: 'From the end of the last segment coming in to its listing',
      registers,
    }),
  };
}
