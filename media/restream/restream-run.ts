import type { RestreamInput, RestreamProgress } from '../../domain/contracts/restream.js';
import type { RestreamEnd } from '../../domain/destination.js';
import { HostedRun } from '../host/hosted-run.js';
import type { RestreamRecord } from './restream-registry.js';

/** One connection to one destination on this host: from the moment it is asked for to its end. */
export class RestreamRun extends HostedRun<RestreamEnd> {
  readonly input: RestreamInput;
  /** null before there is a process. */
  record: RestreamRecord | null;
  bytesSent = 0;
  mediaSeconds = 0;

  constructor(input: RestreamInput, record: RestreamRecord | null = null) {
    super();
    this.input = input;
    this.record = record;
  }

  get attempt(): number {
    return this.input.attempt;
  }

  /** Media has really left for the platform. */
  get isLive(): boolean {
    return this.record?.live === true;
  }

  /** undefined before there is a process. */
  get progress(): RestreamProgress | undefined {
    if (!this.record) return undefined;
    const { pid, startedAt } = this.record.process;
    return { pid, startedAt, attempt: this.attempt, bytesSent: this.bytesSent, mediaSeconds: this.mediaSeconds };
  }
}
