import { setTimeout as delay } from 'node:timers/promises';
import type { Fault } from '../fault.js';
import { UNNOTICED_MS } from './kills.js';

const WATCHED_MS = 8000;

/** What the drill itself measures where nothing is wrong: without this row no other could be believed. */
export const NOTHING: Fault = {
  name: 'nothing',
  title: 'nothing at all',
  short: true,
  limits: { stallMs: UNNOTICED_MS, framesLost: 0, discontinuities: 0, statusMs: 1000 },
  async inject() {
    const from = Date.now();
    await delay(WATCHED_MS);
    return { truths: [{ from, status: 'live' }], problems: [] };
  },
};
