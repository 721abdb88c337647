import type { Logger } from '../log/logger.js';

/** Runs a process's main; a failure is one readable line and exit code 1. */
export async function runEntry(log: Logger, main: () => Promise<void>): Promise<void> {
  try {
    await main();
    process.exit(0);
  } catch (error) {
    log.fatal({ err: error }, error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
    // Everything else (timers, sockets) may still be open; a supervisor waits for the exit.
    setImmediate(() => process.exit(1));
  }
}
