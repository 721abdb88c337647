import { newIntake, observeIntake, type Intake } from '../../domain/restream-intake.js';
import { judgeRestream, type RestreamVerdict } from '../../domain/restream-liveness.js';
import { isRunning } from '../process/process-identity.js';
import { readProgress } from './restream-progress.js';
import type { RestreamRecord } from './restream-registry.js';
import { lookAgain, tcpConnections, unacknowledgedBytes, type TcpConnection } from '../process/tcp-connections.js';

export interface RestreamState {
  verdict: RestreamVerdict;
  bytesSent: number;
  mediaSeconds: number;
}

/** Follows one connection: what its ffmpeg has written, and what of that the other side has taken. */
export class RestreamWatch {
  readonly #record: RestreamRecord;
  readonly #programmePort: number;
  #intake: Intake = newIntake(Date.now());
  #position = 0;
  #sendingSince: number | null = null;
  #connectingSince: number | null = null;
  /** Of a process that sends: there will be no others. */
  #connections: TcpConnection[] | null = null;

  /** @param programmePort of the ingest on this machine, to tell its connection from the platform's */
  constructor(record: RestreamRecord, programmePort: number) {
    this.#record = record;
    this.#programmePort = programmePort;
  }

  read(): RestreamState {
    const { process, progressPath, slate } = this.#record;
    const connections = this.#connections ? lookAgain(this.#connections) : tcpConnections(process.pid);
    const report = readProgress(progressPath);
    const written = report?.bytes ?? this.#intake.written;
    const isNew = report !== null && report.position !== this.#position;
    this.#position = report?.position ?? this.#position;
    const now = Date.now();
    if (written > 0) {
      this.#sendingSince ??= now;
      this.#connections ??= connections;
    }
    if (connections?.every(({ remotePort }) => remotePort === this.#programmePort) !== true) this.#connectingSince ??= now;
    const waiting = connections && unacknowledgedBytes(connections);
    this.#intake = observeIntake(this.#intake, { now, written, isNew, waiting, mayPause: !slate });
    const since = (start: number | null): number | null => (start === null ? null : now - start);
    const verdict = judgeRestream({
      running: isRunning(process),
      connectingMs: since(this.#connectingSince),
      sendingMs: since(this.#sendingSince),
      stalledMs: now - this.#intake.at,
    });
    return { verdict, bytesSent: written, mediaSeconds: report?.mediaSeconds ?? 0 };
  }
}
