import { join } from 'node:path';
import type { Environment } from './env.js';

/** Internal listeners never leave the machine. */
export const LOOPBACK = '127.0.0.1';

export interface Addresses {
  api: string;
  /** Application part included: `${rtmp}/${streamKey}` is what an encoder needs. */
  rtmp: string;
  playback: string;
  ingestControl: string;
  originControl: string;
  temporal: string;
}

const shownHost = (bind: string): string => (bind === '0.0.0.0' || bind === '::' ? LOOPBACK : bind);

/** Every address of one machine's processes, from its settings. */
export function addressesOf(env: Environment): Addresses {
  const host = shownHost(env.HOLDFAST_BIND);
  return {
    api: env.HOLDFAST_PUBLIC_API_URL ?? `http://${host}:${env.HOLDFAST_API_PORT}`,
    rtmp: env.HOLDFAST_PUBLIC_RTMP_URL ?? `rtmp://${host}:${env.HOLDFAST_RTMP_PORT}/live`,
    playback: env.HOLDFAST_PUBLIC_PLAYBACK_URL ?? `${env.HOLDFAST_TLS_CERT ? 'https' : 'http'}://${host}:${env.HOLDFAST_PLAYBACK_PORT}`,
    ingestControl: `http://${LOOPBACK}:${env.HOLDFAST_INGEST_CONTROL_PORT}`,
    originControl: `http://${LOOPBACK}:${env.HOLDFAST_ORIGIN_CONTROL_PORT}`,
    temporal: env.HOLDFAST_TEMPORAL_ADDRESS ?? `${LOOPBACK}:${env.HOLDFAST_TEMPORAL_PORT}`,
  };
}

/** Folders under the data folder. */
export const dataPaths = (dataDir: string) => ({
  media: join(dataDir, 'media'),
  run: join(dataDir, 'run'),
  encoders: join(dataDir, 'run', 'encoders'),
  /** Encoders of restreams, apart from those of broadcasts. */
  restreams: join(dataDir, 'run', 'restreams'),
  slates: join(dataDir, 'run', 'slates'),
  logs: join(dataDir, 'logs'),
  masterKey: join(dataDir, 'master.key'),
  runJson: join(dataDir, 'run.json'),
});
