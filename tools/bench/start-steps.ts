import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { dataPaths } from '../../platform/config/addresses.js';
import { createTemporalClient } from '../../platform/temporal/client.js';
import { streamWorkflowId } from '../../domain/task-queues.js';

/** What happens between an encoder's connection and the first picture, in this order. */
export const START_STEPS = [
  'publish accepted',
  'layout known',
  'workflow signalled',
  'encoder scheduled',
  'encoder activity',
  'ffmpeg spawned',
  'first frame out',
  'playable',
  'page told',
  'first media in page',
  'first picture',
] as const;
export type StartStep = (typeof START_STEPS)[number];
/** Milliseconds from the start of the publisher's process; a step that left no trace is missing. */
export type StartTimes = Partial<Record<StartStep, number>>;

/** The page notes when it shows its first frame. Told as text: benches are compiled for Node. */
export const WATCH_FIRST_PICTURE = `window.holdfastPlayer.video.requestVideoFrameCallback(() => (window.firstPictureAt = Date.now()))`;

/** What the page fetched, by the browser's own record. */
const FETCHES = `performance.getEntriesByType('resource').map(
  ({ name, responseEnd }) => ({ name, at: performance.timeOrigin + responseEnd }))`;

/** Puts together what processes logged, what Temporal kept of the workflow, and what the browser saw, of one start. */
export async function readStartTimes(
  from: { dataDir: string; temporal: string; streamId: string; page: Page },
  startedAt: number,
): Promise<StartTimes> {
  const [logged, history, seen] = await Promise.all([
    fromLogs(from.dataDir, from.streamId),
    fromHistory(from.temporal, from.streamId),
    fromPage(from.page),
  ]);
  const times = Object.entries({ ...logged, ...history, ...seen });
  return Object.fromEntries(times.flatMap(([step, at]) => (at === undefined ? [] : [[step, Math.round(at - startedAt)]])));
}

interface LogLine {
  time: string;
  msg: string;
  streamId?: string;
  afterMs?: number;
}

async function fromLogs(dataDir: string, streamId: string): Promise<StartTimes> {
  const [ingest, worker, origin] = await Promise.all(
    ['ingest', 'media-worker', 'origin'].map((name) => readLog(join(dataPaths(dataDir).logs, `${name}.log`), streamId)),
  );
  const at = (lines: LogLine[] | undefined, message: string): number | undefined => {
    const line = lines?.find(({ msg }) => msg === message);
    return line && Date.parse(line.time);
  };
  const spawned = worker?.find(({ msg }) => msg === 'encoder started');
  return {
    'publish accepted': at(ingest, 'publisher accepted'),
    'layout known': at(ingest, 'media has arrived'),
    'ffmpeg spawned': at(worker, 'encoder started'),
    ...(spawned ? { 'encoder activity': Date.parse(spawned.time) - (spawned.afterMs ?? 0) } : {}),
    'first frame out': at(origin, 'first frame of the encoder'),
    playable: at(origin, 'playable'),
  };
}

async function readLog(path: string, streamId: string): Promise<LogLine[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => JSON.parse(line) as LogLine).filter((line) => line.streamId === streamId);
}

/** Temporal keeps times of a server's clock; here it is the same machine's. */
async function fromHistory(address: string, streamId: string): Promise<StartTimes> {
  const client = createTemporalClient({ address, namespace: 'default' });
  try {
    const { events } = await client.workflow.getHandle(streamWorkflowId(streamId)).fetchHistory();
    const at = (found: NonNullable<typeof events>[number] | undefined): number | undefined => {
      const { seconds, nanos } = found?.eventTime ?? {};
      return seconds === undefined || seconds === null ? undefined : Number(seconds) * 1000 + (nanos ?? 0) / 1e6;
    };
    return {
      'workflow signalled': at(events?.find((event) => event.workflowExecutionSignaledEventAttributes)),
      'encoder scheduled': at(events?.find((event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'transcode')),
    };
  } finally {
    await client.connection.close();
  }
}

async function fromPage(page: Page): Promise<StartTimes> {
  const fetches = await page.evaluate<{ name: string; at: number }[]>(FETCHES);
  const firstMedia = fetches.filter(({ name }) => /\.m4s(\?|$)/.test(name)).map(({ at }) => at);
  const media = fetches.find(({ name }) => /\/[a-z0-9]+\/index\.m3u8$/.test(new URL(name).pathname) && !name.includes('wait='));
  return {
    ...(media ? { 'page told': toldBefore(fetches, media.at) } : {}),
    ...(firstMedia.length > 0 ? { 'first media in page': Math.min(...firstMedia) } : {}),
    'first picture': await page.evaluate<number>('window.firstPictureAt'),
  };
}

/** The answer of the last request that waited, before the playlists were read. */
const toldBefore = (fetches: { name: string; at: number }[], at: number): number | undefined =>
  fetches.filter((fetch) => fetch.name.includes('wait=') && fetch.at <= at).at(-1)?.at;
