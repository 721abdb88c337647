import { judgeRestream, type RestreamVerdict } from '../domain/restream-liveness.js';
import { isRunning } from './process-identity.js';
import { readProgress } from './restream-progress.js';
import type { RestreamRecord } from './restream-registry.js';
import { tcpConnections } from './send-queue.js';

export interface RestreamState {
  verdict: RestreamVerdict;
  bytesSent: number;
  mediaSeconds: number;
}

/** Follows one connection: what its ffmpeg has written, and what of that the other side has taken. */
export class RestreamWatch {
  readonly #record: RestreamRecord;
  readonly #programmePort: number;
  #bytes = 0;
  #mediaSeconds = 0;
  #position = 0;
  #taken = 0;
  #takenAt: number;
  #sendingSince: number | null = null;
  #connectingSince: number | null = null;

  /** @param programmePort of the ingest on this machine, to tell its connection from the platform's */
  constructor(record: RestreamRecord, programmePort: number) {
    this.#record = record;
    this.#programmePort = programmePort;
    this.#takenAt = Date.now();
  }

  async read(): Promise<RestreamState> {
    const { process, progressPath } = this.#record;
    const running = isRunning(process);
    const report = await readProgress(progressPath);
    const reporting = report !== null && report.position !== this.#position;
    if (report) ({ bytes: this.#bytes, mediaSeconds: this.#mediaSeconds, position: this.#position } = report);
    const connections = await tcpConnections(process.pid);
    const platform = connections?.filter(({ remotePort }) => remotePort !== this.#programmePort) ?? null;
    const now = Date.now();
    if (this.#bytes > 0) this.#sendingSince ??= now;
    if (platform === null || platform.length > 0) this.#connectingSince ??= now;
    const waiting = platform?.reduce((sum, { unacknowledged }) => sum + unacknowledged, 0) ?? null;
    if (this.#moved(waiting, reporting)) this.#takenAt = now;
    const verdict = judgeRestream({
      running,
      connectingMs: this.#connectingSince === null ? null : now - this.#connectingSince,
      sendingMs: this.#sendingSince === null ? null : now - this.#sendingSince,
      stalledMs: now - this.#takenAt,
    });
    return { verdict, bytesSent: this.#bytes, mediaSeconds: this.#mediaSeconds };
  }

  /** The platform has taken something since the last time, or everything there was from a programme that may pause. */
  #moved(waiting: number | null, reporting: boolean): boolean {
    const taken = this.#bytes - (waiting ?? 0);
    if (taken > this.#taken) {
      this.#taken = taken;
      return true;
    }
    return !this.#record.slate && reporting && (waiting ?? 0) === 0;
  }
}
