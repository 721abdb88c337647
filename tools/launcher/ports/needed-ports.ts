import { LOOPBACK } from '../../../platform/config/addresses.js';
import type { Environment } from '../../../platform/config/env.js';
import type { NeededPort } from './ports.js';

/** Every port the launcher's processes will listen on with these settings. */
export function neededPorts(env: Environment): NeededPort[] {
  const bound = (variable: PortVariable, purpose: string): NeededPort => ({
    variable,
    host: env.HOLDFAST_BIND,
    port: env[variable],
    purpose,
  });
  const internal = (variable: PortVariable, purpose: string): NeededPort => ({
    variable,
    host: LOOPBACK,
    port: env[variable],
    purpose,
  });
  const temporal = [internal('HOLDFAST_TEMPORAL_PORT', 'Temporal'), internal('HOLDFAST_TEMPORAL_UI_PORT', 'Temporal UI')];
  return [
    bound('HOLDFAST_API_PORT', 'API'),
    bound('HOLDFAST_RTMP_PORT', 'RTMP'),
    bound('HOLDFAST_PLAYBACK_PORT', 'playback'),
    internal('HOLDFAST_INGEST_CONTROL_PORT', 'ingest control'),
    internal('HOLDFAST_ORIGIN_CONTROL_PORT', 'origin control'),
    internal('HOLDFAST_STREAM_WORKER_PORT', 'stream worker health'),
    internal('HOLDFAST_MEDIA_WORKER_PORT', 'media worker health'),
    ...(env.HOLDFAST_TEMPORAL_ADDRESS === undefined ? temporal : []),
    ...(env.HOLDFAST_DATABASE_URL === undefined ? [internal('HOLDFAST_POSTGRES_PORT', 'Postgres')] : []),
  ];
}

type PortVariable = {
  [Name in keyof Environment]-?: Name extends `HOLDFAST_${string}_PORT` ? Name : never;
}[keyof Environment];
