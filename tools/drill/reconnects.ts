import { startStack } from '../launcher/stack/stack.js';
import { publishUrl, StackApi } from '../launcher/stack/stack-api.js';
import { RECONNECTS } from './arguments.js';
import { encoderMark, processesWith, signal } from './processes.js';
import { RetryingPublisher } from './publisher.js';
import { timelineProblems } from './timeline.js';
import { waitFor } from './wait.js';

export interface ReconnectsResult {
  cycles: number;
  /** Empty: passed. */
  failures: string[];
}

const STEP_LIMIT_MS = 60_000;
const PROGRESS_EVERY = 20;

/**
 * Every return ends the slate's encoder or is taken into it, and whoever keeps the records must not lose the next one's: at the
 * end the encoder is killed, and has to be missed and replaced like the first one would have been.
 */
export async function runReconnects({ ffmpegPath, cycles }: { ffmpegPath: string; cycles: number }): Promise<ReconnectsResult> {
  const stack = await startStack({});
  try {
    const api = new StackApi(await stack.run());
    const stream = await api.createStream({ name: RECONNECTS, ladder: [{ height: 180, bitrate: 200_000 }] });
    // Every other time with another picture: the slate's encoder cannot take that, so the next one begins beside its end.
    const sizes = [180, 240].map((height) => new RetryingPublisher({ ffmpegPath, url: publishUrl(stream), width: 320, height }));
    const becomes = async (status: string): Promise<boolean> =>
      (await waitFor(async () => (await api.stream(stream.id))?.status === status, STEP_LIMIT_MS)) !== null;
    const failures: string[] = [];
    const broadcasts = new Set<string | null | undefined>();
    let publisher = sizes[0]!;
    publisher.start();
    if (!(await becomes('live'))) failures.push('the stream did not become live');
    try {
      for (let cycle = 1; cycle <= cycles && failures.length === 0; cycle++) {
        await publisher.stop('SIGKILL');
        if (!(await becomes('reconnecting'))) failures.push(`cycle ${cycle}: the publisher was not missed`);
        publisher = sizes[cycle % sizes.length]!;
        publisher.start();
        if (!(await becomes('live'))) failures.push(`cycle ${cycle}: not live again`);
        broadcasts.add((await api.stream(stream.id))?.broadcastId);
        if (cycle % PROGRESS_EVERY === 0) process.stdout.write(`${cycle} `);
      }
      if (broadcasts.size > 1) failures.push(`${broadcasts.size} broadcasts instead of one`);
      const mark = encoderMark(stack.dataDir);
      const one = await waitFor(() => processesWith(mark).length === 1, STEP_LIMIT_MS);
      if (!one) failures.push(`${processesWith(mark).length} encoders run`);
      const [encoder] = processesWith(mark);
      if (encoder !== undefined) signal(encoder, 'SIGKILL');
      const next = await waitFor(() => processesWith(mark).some((pid) => pid !== encoder), STEP_LIMIT_MS);
      if (!next) failures.push('a killed encoder was not replaced');
      if (!(await becomes('live'))) failures.push('not live after the encoder was killed');
      failures.push(...timelineProblems(await api.events(stream.id)));
    } finally {
      await publisher.stop('SIGKILL');
    }
    return { cycles, failures };
  } finally {
    await stack.stop();
  }
}
