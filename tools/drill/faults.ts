import type { Fault } from './fault.js';
import { CONTINUE_AS_NEW } from './faults/continue-as-new.js';
import { FREEZES } from './faults/freezes.js';
import { KILLS } from './faults/kills.js';
import { NOTHING } from './faults/nothing.js';
import { OUTAGES } from './faults/outages.js';
import { PUBLISHER_FAULTS } from './faults/publisher.js';

/** In the order in which they happen to one broadcast. */
export const FAULTS: readonly Fault[] = [NOTHING, CONTINUE_AS_NEW, ...KILLS, ...PUBLISHER_FAULTS, ...FREEZES, ...OUTAGES];
