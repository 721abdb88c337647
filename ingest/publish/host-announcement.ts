import type { Logger } from '../../platform/log/logger.js';

/** A database that is away at the start is asked again at this pace. */
const RETRY_MS = 5000;

/** Says once where viewers find this media host, and tries until it is written. Returns what stops the trying. */
export function announceHost(announce: () => Promise<void>, log: Logger): () => void {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const tell = (): void => {
    announce().catch((error: unknown) => {
      log.warn({ reason: error instanceof Error ? error.message : String(error) }, 'address of this host not written; trying again');
      if (!stopped) timer = setTimeout(tell, RETRY_MS);
    });
  };
  tell();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
