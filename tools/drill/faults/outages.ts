import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from '../fault.js';
import { backUp } from '../backup.js';
import { keepDead } from '../processes.js';
import { waitFor } from '../wait.js';
import { UNNOTICED_MS } from './kills.js';

const AWAY_MS = 30_000;
/** The launcher's pauses grow up to ten seconds while a process cannot stay. */
const BACK_LIMIT_MS = AWAY_MS + 20_000;
const CALL_EVERY_MS = 2000;
const ANSWER_LIMIT_MS = 5000;

interface Outage {
  name: 'temporal' | 'postgres';
  title: string;
}

/** Neither is on the media's way: the viewer sees nothing, calls are refused with a reason, and nothing is forgotten. */
const outage = ({ name, title }: Outage): Fault => ({
  name: `kill-${name}`,
  title: `${title} away for 30 s`,
  short: false,
  limits: { stallMs: UNNOTICED_MS, framesLost: 0, discontinuities: 0, statusMs: BACK_LIMIT_MS },
  async inject(scene) {
    const from = Date.now();
    const other = await scene.api.createStream({ name: 'commanded meanwhile', reusable: true });
    const problems: string[] = [];
    let over = false;
    const away = keepDead(scene.stack, name, AWAY_MS).finally(() => (over = true));
    await delay(CALL_EVERY_MS);
    while (!over) {
      const { status, tookMs } = await scene.api.call('POST', `/streams/${other.id}/disable`);
      if (!over && status !== 503) problems.push(`a command was answered ${status} while ${title} was away`);
      if (tookMs > ANSWER_LIMIT_MS) problems.push(`a command was answered after ${Math.round(tookMs)} ms`);
      await delay(CALL_EVERY_MS);
    }
    await away;
    return {
      truths: [
        { from, status: 'live' },
        { from: Date.now(), status: 'live' },
      ],
      problems: [...new Set(problems)],
    };
  },
});

const MINUTE_MS = 60_000;
/** Status and timeline are compared every 20 s (workers/reconciliation). */
const RESTORED_STATUS_LIMIT_MS = 60_000;

/** What the database forgot, the workflows know: the broadcast goes on, and the timeline has no gap. */
const restored: Fault = {
  name: 'restore-postgres',
  title: 'Postgres restored to a minute ago, with a reconnect and a new stream in that minute',
  short: false,
  limits: { stallMs: AWAY_MS, framesLost: 0, discontinuities: 1, statusMs: RESTORED_STATUS_LIMIT_MS },
  async inject(scene) {
    const { database } = await scene.stack.run();
    const backup = await backUp(database);
    scene.onClose(() => backup.close());
    await scene.publisher.stop('SIGKILL');
    await delay(CALL_EVERY_MS);
    scene.publisher.start();
    await scene.api.createStream({ name: 'younger than the backup' });
    await delay(MINUTE_MS);
    const before = (await scene.api.events(scene.stream.id)).length;
    await backup.restore();
    const from = Date.now();
    const whole = await waitFor(async () => (await scene.api.events(scene.stream.id)).length >= before, RESTORED_STATUS_LIMIT_MS);
    return { truths: [{ from, status: 'live' }], problems: whole ? [] : ['the timeline has a gap'] };
  },
};

export const OUTAGES: readonly Fault[] = [
  restored,
  outage({ name: 'temporal', title: 'Temporal' }),
  outage({ name: 'postgres', title: 'Postgres' }),
];
