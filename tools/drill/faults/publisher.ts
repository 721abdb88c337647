import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from '../fault.js';
import { Forwarder } from '../forwarder.js';
import { killAndAwaitNext } from '../processes.js';
import { waitFor } from '../wait.js';

const AWAY_MS = 20_000;
const STATUS_LIMIT_MS = 15_000;
/** The next worker has looked around by then. */
const SLATE_MS = 10_000;
const OTHER_ADDRESS = '127.0.0.2';

const movedPublisher: Fault = {
  name: 'move-publisher',
  title: `publisher killed, back after 20 s from ${OTHER_ADDRESS}`,
  short: false,
  limits: { stallMs: AWAY_MS + STATUS_LIMIT_MS, framesLost: 0, discontinuities: 1, statusMs: STATUS_LIMIT_MS },
  async inject(scene) {
    const url = new URL(`${scene.stream.ingest.rtmp}/${scene.stream.streamKey}`);
    const forwarder = await Forwarder.start(Number(url.port), OTHER_ADDRESS);
    scene.onClose(() => forwarder.stop());
    const goneAt = Date.now();
    await scene.publisher.stop('SIGKILL');
    await delay(AWAY_MS);
    const backAt = Date.now();
    url.port = String(forwarder.port);
    scene.publisher.start(url.href);
    return {
      truths: [
        { from: goneAt, status: 'reconnecting' },
        { from: backAt, status: 'live' },
      ],
      problems: [],
    };
  },
};

/** The slate's encoder is found by the next worker, and takes the publisher when it is back. */
const workerDuringSlate: Fault = {
  name: 'slate-worker',
  title: 'kill -9 of media-worker while the publisher is away and the slate is shown',
  short: false,
  limits: { stallMs: 3000, framesLost: 0, discontinuities: 1, statusMs: STATUS_LIMIT_MS },
  async inject(scene) {
    const before = scene.encoder()?.epoch;
    const goneAt = Date.now();
    await scene.publisher.stop('SIGKILL');
    await waitFor(() => scene.status.last?.status === 'reconnecting', STATUS_LIMIT_MS);
    // One that is killed while it starts an encoder is missed after 10 s (heartbeat): that is another fault.
    await waitFor(() => scene.encoder()?.epoch !== before, STATUS_LIMIT_MS);
    await delay(SLATE_MS);
    await killAndAwaitNext(scene.stack, 'media-worker');
    await delay(SLATE_MS);
    const backAt = Date.now();
    scene.publisher.start();
    return {
      truths: [
        { from: goneAt, status: 'reconnecting' },
        { from: backAt, status: 'live' },
      ],
      problems: [],
    };
  },
};

export const PUBLISHER_FAULTS: readonly Fault[] = [movedPublisher, workerDuringSlate];
