import { firstSequenceAfter } from '../../domain/takeover.js';
import type { CarriedBroadcast } from './carried-broadcast.js';

/** The media hosts of one broadcast: it is on one at a time. */
export class BroadcastHosts {
  present: string;
  /** Those it has been on, oldest first. */
  former: string[] = [];
  /** Numbers of segments begin here at least, since it has changed its host. */
  fromSequence: number | undefined;
  /** The last encoder ended with its host. */
  lost = false;

  constructor(present: string) {
    this.present = present;
  }

  static resume({ hostId, formerHosts = [], fromSequence }: CarriedBroadcast): BroadcastHosts {
    return Object.assign(new BroadcastHosts(hostId), { former: formerHosts, fromSequence });
  }

  /** For the run that goes on with it. */
  get carried(): Pick<CarriedBroadcast, 'hostId' | 'formerHosts' | 'fromSequence'> {
    const { present, former, fromSequence } = this;
    return { hostId: present, ...(former.length > 0 ? { formerHosts: former, fromSequence } : {}) };
  }

  /** @param elapsedMs since the broadcast was opened */
  moveTo(hostId: string, elapsedMs: number): void {
    this.former = [...this.former.filter((former) => former !== hostId && former !== this.present), this.present];
    this.present = hostId;
    this.lost = false;
    this.fromSequence = firstSequenceAfter(elapsedMs);
  }
}
