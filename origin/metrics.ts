import { Counter, Gauge, type Registry } from 'prom-client';

export interface OriginMetrics {
  openBroadcasts: Gauge;
  segments: Counter;
  mediaBytes: Counter;
  writeFailures: Counter;
  refusedOutputs: Counter;
  overlongSegments: Counter;
  requests: Counter<'kind' | 'status'>;
  servedBytes: Counter;
  publishSeconds: Gauge;
  heldRequests: { observe(size: () => number): void };
}

/** A gauge that asks when it is read: nothing is counted while viewers come and go. */
function observedGauge(name: string, help: string, registers: Registry[]): { observe(size: () => number): void } {
  let read = (): number => 0;
  const gauge: Gauge = new Gauge({ name, help, registers, collect: () => gauge.set(read()) });
  return { observe: (size) => void (read = size) };
}

export function createOriginMetrics(registry: Registry): OriginMetrics {
  const registers = [registry];
  return {
    openBroadcasts: new Gauge({ name: 'holdfast_origin_open_broadcasts', help: 'Broadcasts that have not ended', registers }),
    segments: new Counter({ name: 'holdfast_origin_segments_total', help: 'Segments published, one per interval and rendition', registers }),
    mediaBytes: new Counter({ name: 'holdfast_origin_media_bytes_total', help: 'Bytes of published segments', registers }),
    writeFailures: new Counter({ name: 'holdfast_origin_write_failures_total', help: 'Segments the disk refused', registers }),
    refusedOutputs: new Counter({ name: 'holdfast_origin_refused_outputs_total', help: 'Encoder outputs closed because of what they sent', registers }),
    overlongSegments: new Counter({ name: 'holdfast_origin_overlong_segments_total', help: 'Segments above the target duration', registers }),
    requests: new Counter({ name: 'holdfast_origin_requests_total', help: 'Playback requests', labelNames: ['kind', 'status'], registers }),
    servedBytes: new Counter({ name: 'holdfast_origin_served_bytes_total', help: 'Bytes of playback answers', registers }),
    publishSeconds: new Gauge({
      name: 'holdfast_origin_publish_seconds',
      help: 'From the end of the last segment coming in to its listing',
      registers,
    }),
    heldRequests: observedGauge('holdfast_origin_held_requests', 'Viewers that wait for the next part', registers),
  };
}
