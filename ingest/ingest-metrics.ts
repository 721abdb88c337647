import { Counter, Gauge, type Registry } from 'prom-client';

/** Read at the moment of a scrape. */
export interface IngestReadings {
  publishers(): number;
  connections(): number;
  relayReaders(): number;
  programmeReaders(): number;
  pendingSignals(): number;
  draining(): boolean;
  bytesIn(): number;
}

export interface IngestMetrics {
  /** A code of domain/errors.ts, or what a connection failed to do in time. */
  refused(code: string): void;
  protocolError(): void;
  accepted(): void;
  stopped(reason: string): void;
}

export function createIngestMetrics(registry: Registry, readings: IngestReadings): IngestMetrics {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };
  gauge('holdfast_ingest_publishers', 'Accepted publishers', readings.publishers);
  gauge('holdfast_ingest_connections', 'Open RTMP connections', readings.connections);
  gauge('holdfast_ingest_relay_readers', 'Readers of the relay', readings.relayReaders);
  gauge('holdfast_ingest_programme_readers', 'Readers of programmes', readings.programmeReaders);
  gauge('holdfast_ingest_pending_signals', 'Signals a workflow has not received yet', readings.pendingSignals);
  gauge('holdfast_ingest_draining', '1 while no new broadcasts are taken', () => Number(readings.draining()));
  new Counter({
    name: 'holdfast_ingest_bytes_total',
    help: 'Bytes received from encoders',
    registers,
    collect() {
      this.reset();
      this.inc(readings.bytesIn());
    },
  });
  const counter = <L extends string>(name: string, help: string, ...labelNames: L[]): Counter<L> =>
    new Counter({ name, help, labelNames, registers });
  const refusals = counter('holdfast_ingest_refusals_total', 'Refused connections', 'code');
  const errors = counter('holdfast_ingest_protocol_errors_total', 'Connections closed over malformed bytes');
  const publishes = counter('holdfast_ingest_publishes_total', 'Accepted publishes');
  const stops = counter('holdfast_ingest_stops_total', 'Ended publishes', 'reason');
  return {
    refused: (code) => refusals.inc({ code }),
    protocolError: () => errors.inc(),
    accepted: () => publishes.inc(),
    stopped: (reason) => stops.inc({ reason }),
  };
}
