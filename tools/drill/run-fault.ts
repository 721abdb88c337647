import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from './fault.js';
import { type FrameCount, FrameLedger, readNumbers } from './frame-numbers.js';
import type { Scene } from './scene.js';
import { download, type ListedSegment } from './segment-watch.js';
import { judgePlayback } from './stall.js';
import { timeUntil } from './status-watch.js';
import { timelineProblems } from './timeline.js';
import { failuresOf, type Measured } from './verdict.js';
import { waitFor } from './wait.js';

export interface FaultResult extends Measured {
  name: string;
  title: string;
  failures: string[];
  /** The broadcast was to end: nobody watched, and stalls and frames were not measured. */
  withoutViewer?: true;
}

const RECOVERY_LIMIT_MS = 60_000;
/** What a viewer has ahead plays on without anybody delivering; only then does it show what the fault did. */
const BUFFERED_MS = 4000;
/** A second stall or a doubled event shows within this time. */
const AFTERMATH_MS = 5000;
/** Platforms are given about one new publish a minute. */
const RESTREAM_PAUSE_MS = 75_000;
/** No answer of the API takes longer, whatever is away. */
const ANSWER_LIMIT_MS = 5000;

/** Goes through faults one after another in one broadcast, and knows what was measured already. */
export class FaultRunner {
  readonly #scene: Scene;
  readonly #ledger = new FrameLedger();
  #countedMsn = -1;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  async run(fault: Fault): Promise<FaultResult> {
    const scene = this.#scene;
    // Who is far behind the edge has media ahead and does not notice what others do.
    await scene.viewer.atLiveEdge();
    await this.#newSegments();
    const startedAt = Date.now();
    const { truths, problems } = await fault.inject(scene);
    await delay(BUFFERED_MS);
    const recovered = await scene.playsSteadily(RECOVERY_LIMIT_MS);
    const msn = scene.segments.lastMsn;
    await delay(AFTERMATH_MS);
    await waitFor(() => scene.segments.lastMsn > msn, AFTERMATH_MS);
    const measured: Measured = {
      ...(await this.#playback(startedAt, problems)),
      ...(await this.#media(problems)),
      statusTrueMs: this.#statusTrueMs(truths),
      problems,
    };
    if (!recovered) problems.push('the viewer did not play again');
    problems.push(...this.#answers(startedAt, fault), ...(await this.#doubled()));
    const title = fault.repeated && !scene.options.short ? `${fault.title}, three times` : fault.title;
    return { name: fault.name, title, ...measured, failures: failuresOf(measured, fault.limits) };
  }

  async #playback(startedAt: number, problems: string[]): Promise<Pick<Measured, 'longestStallMs'>> {
    const samples = await this.#scene.viewer.samples();
    const first = samples.findLastIndex(({ at }) => at <= startedAt);
    const { longestStallMs, restarts, ended } = judgePlayback(samples.slice(Math.max(0, first)));
    const errors = this.#scene.viewer.takeErrors();
    if (restarts > 0) problems.push(`the player started over ${restarts} times (${errors.join(', ')})`);
    if (ended) problems.push('the player took the broadcast for ended');
    return { longestStallMs };
  }

  async #media(problems: string[]): Promise<Pick<Measured, 'framesLost' | 'framesRepeated' | 'discontinuities'>> {
    const { segments, count } = await this.#newSegments();
    problems.push(...this.#scene.segments.findings.splice(0));
    return {
      framesLost: count.lost,
      framesRepeated: count.repeated,
      discontinuities: segments.filter(({ discontinuity }) => discontinuity).length,
    };
  }

  /** Segments that were listed since the last look, and the frames in them. */
  async #newSegments(): Promise<{ segments: ListedSegment[]; count: FrameCount }> {
    const { segments: watch, options } = this.#scene;
    const segments = watch.segments.filter(({ msn }) => msn > this.#countedMsn);
    this.#countedMsn = watch.lastMsn;
    const count: FrameCount = { frames: 0, lost: 0, repeated: 0 };
    for (const encoder of byMap(segments.filter(({ gap }) => !gap))) {
      const media = await Promise.all([encoder[0]!.map, ...encoder.map(({ url }) => url)].map(download));
      const { frames, lost, repeated } = this.#ledger.take(await readNumbers(options.ffmpegPath, media));
      count.frames += frames;
      count.lost += lost;
      count.repeated += repeated;
    }
    return { segments, count };
  }

  #statusTrueMs(truths: readonly { from: number; status: Parameters<typeof timeUntil>[2] }[]): number | null {
    const times = truths.map(({ from, status }) => timeUntil(this.#scene.status.samples, from, status));
    return times.includes(null) ? null : Math.max(0, ...times.map(Number));
  }

  #answers(startedAt: number, { apiMayBeAway }: Fault): string[] {
    const samples = this.#scene.status.since(startedAt);
    const slowest = Math.max(0, ...samples.map(({ tookMs }) => tookMs));
    const odd = new Set(
      samples.filter(({ http }) => http !== 200 && http !== 503 && !(http === 0 && apiMayBeAway)).map(({ http }) => http),
    );
    const now = samples.at(-1)?.broadcastId;
    return [
      ...(slowest > ANSWER_LIMIT_MS ? [`the API took ${Math.round(slowest)} ms to answer`] : []),
      ...[...odd].map((http) => (http === 0 ? 'the API did not answer' : `the API answered ${http}`)),
      ...(now === this.#scene.broadcastId ? [] : [`the broadcast became ${now ?? 'none'}`]),
    ];
  }

  async #doubled(): Promise<string[]> {
    const scene = this.#scene;
    // A restream whose source was away may have a pause before its next try.
    await waitFor(() => scene.encoderProcesses() === 1 && scene.restreamProcesses() === 1, RESTREAM_PAUSE_MS);
    const [encoders, restreams] = [scene.encoderProcesses(), scene.restreamProcesses()];
    return [
      ...(encoders === 1 ? [] : [`${encoders} encoders run`]),
      ...(restreams === 1 ? [] : [`${restreams} restreams run`]),
      ...timelineProblems(await scene.api.events(scene.stream.id)),
    ];
  }
}

/** Runs of segments that share a header. */
function byMap(segments: readonly ListedSegment[]): ListedSegment[][] {
  const groups: ListedSegment[][] = [];
  for (const segment of segments) {
    const group = groups.at(-1);
    if (group?.[0]!.map === segment.map) group.push(segment);
    else groups.push([segment]);
  }
  return groups;
}
