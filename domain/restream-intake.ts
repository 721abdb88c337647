/** What the platform has taken so far, as far as can be told. */
export interface Intake {
  /** ms; when it last took something, or there was nothing for it to take. */
  at: number;
  /** Bytes taken by then. */
  taken: number;
  /** Bytes written by the last report. */
  written: number;
  /** Bytes of the latest reports, each. */
  steps: readonly number[];
  /** Bytes not acknowledged at the last reading. */
  waiting: number;
}

export interface IntakeReading {
  /** ms */
  now: number;
  /** Bytes written by the last report; older than `waiting` by up to one report. */
  written: number;
  /** ffmpeg has reported since the last reading. */
  isNew: boolean;
  /** Bytes the other side has not acknowledged; null where the system does not tell. */
  waiting: number | null;
  /** The programme may pause: nothing to take is no fault then. */
  mayPause: boolean;
}

/** Longer than it takes to find a connection wedged, so that the last moving report is still known. */
const STEPS_KEPT = 60;

export const newIntake = (now: number): Intake => ({ at: now, taken: 0, written: 0, steps: [], waiting: 0 });

/** The figures differ in age by a report, and by what ffmpeg has in hand while it makes one. */
const STEPS_IN_DOUBT = 2;

/**
 * The platform has taken something when less waits than before, when nothing waits and more was written, or when clearly
 * more than before is acknowledged. "Clearly", because the figures differ in age: when the buffers before a frozen
 * platform are full at last, its figure would seem to move otherwise.
 */
export function observeIntake(intake: Intake, { now, written, isNew, waiting, mayPause }: IntakeReading): Intake {
  const steps = isNew ? [...intake.steps, written - intake.written].slice(-STEPS_KEPT) : intake.steps;
  const taken = Math.max(intake.taken, written - (waiting ?? 0));
  const next = { ...intake, written, steps, waiting: waiting ?? 0 };
  const moved =
    waiting === null || waiting === 0
      ? written > intake.taken || (mayPause && isNew)
      : waiting < intake.waiting || taken > intake.taken + STEPS_IN_DOUBT * Math.max(0, ...steps);
  return moved ? { ...next, at: now, taken } : next;
}
