import type { Writable } from 'node:stream';

/** Nobody reads what the launcher says any more: who started it has gone. */
export class OutputError extends Error {
  override readonly name = 'OutputError';
}

/**
 * The first error of this process that nobody caught, of whatever kind: thrown in a timer or a handler of an event, a promise
 * that nobody waits for, or output that cannot be written. From now on none of them ends the process by itself, since what
 * it has started would be left behind.
 *
 * @param outputs where it writes to
 * @param later is told of all the others
 * @returns never resolves
 */
export function firstUncaught(outputs: readonly Writable[], later: (error: unknown) => void): Promise<never> {
  let isFirst = true;
  const first = new Promise<never>((_resolve, reject) => {
    const meet = (error: unknown): void => {
      if (!isFirst) return later(error);
      isFirst = false;
      reject(error);
    };
    process.on('uncaughtException', meet);
    process.on('unhandledRejection', meet);
    for (const output of outputs) {
      // Only once: to say it again there would be an error again.
      output.once('error', (error: NodeJS.ErrnoException) => {
        output.on('error', () => {});
        meet(new OutputError(`Nobody reads the launcher's output any more (${error.code ?? error.message})`));
      });
    }
  });
  first.catch(() => {});
  return first;
}
