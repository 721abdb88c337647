import type { PublishStarted } from '../../../domain/contracts/publishing.js';
import type { StreamEvent } from '../../../domain/event.js';
import type { EncoderEnd } from '../../../domain/lifecycle/encoder-order.js';
import type { Fact } from '../../../domain/lifecycle/facts.js';
import { newLife, type StreamLife } from '../../../domain/lifecycle/life.js';
import { next } from '../../../domain/lifecycle/next.js';
import { isAllDone, obligationsOf, type Obligation } from '../../../domain/lifecycle/obligations.js';
import type { StreamSettings } from '../../../domain/stream.js';
import { anew, HOSTS, type Happening, type Host, type WorldSettings } from './happening.js';

const SOURCES = [
  { video: { codec: 'h264', width: 1280, height: 720, frameRate: 30 }, audio: null },
  { video: { codec: 'h264', width: 640, height: 360, frameRate: 30 }, audio: null },
] as const;
/** How often an ingest says again who publishes, where the workflow does not know. */
const REPORT_MS = 10_000;
const FIRST_TIME = 1_700_000_000_000;

/**
 * The outside of the rules, told by the book: hosts that freeze, publishers that come and go, a database that is away, steps that
 * are done in any order. It keeps what must never be, and says so at once.
 */
export class World {
  life: StreamLife;
  now = FIRST_TIME;
  readonly events: StreamEvent[] = [];
  /** Steps of an end, in the order in which they were done. */
  readonly #endSteps: string[] = [];
  /** Encoders that run, by host. */
  readonly #encoders = new Map<string, { broadcastId: string; epoch: number }>();
  readonly #frozen = new Set<string>();
  readonly #heard: Fact[] = [];
  readonly #settings: StreamSettings;
  /** Who really publishes, and whether the workflow has been told of it once. */
  #truth: { started: PublishStarted; wasTold: boolean; mustLeave: boolean } | null = null;
  #databaseAway = false;
  #ids = 0;
  #publishSeq = 0;
  #reportedAt = FIRST_TIME;
  #thawedAt = FIRST_TIME;
  #deleted = false;

  constructor(settings: WorldSettings) {
    this.#settings = { playbackId: 'play', latency: 'low', ladder: null, playbackPolicy: 'public', ...settings };
    this.life = newLife('str_1');
    this.take({ kind: 'created' });
  }

  get truth(): PublishStarted | null {
    return this.#truth?.started ?? null;
  }

  get wasDeleted(): boolean {
    return this.#deleted;
  }

  take(fact: Fact): void {
    const before = this.life;
    this.life = next(before, fact, { now: this.now, newId: () => String((this.#ids += 1)).padStart(32, '0') });
    const known = new Set(before.outbox.map(({ version }) => version));
    for (const { version, events } of this.life.outbox) if (!known.has(version)) this.#note(events);
    this.#look();
  }

  #note(events: StreamEvent[]): void {
    for (const event of events) {
      this.events.push(event);
      if (event.type === 'stream.ending') this.#endSteps.length = 0;
      if (event.type === 'stream.ending' && event.cause === 'reconnect_window_over') this.#checkWindow();
      if (event.type === 'stream.ended' && event.broadcastId !== null) this.#endSteps.push('ended');
    }
    this.#checkEndOrder();
  }

  /** A broadcast must not end by its window while its publisher is known to send, and its host can be asked. */
  #checkWindow(): void {
    const truth = this.#truth;
    if (!truth?.wasTold || truth.mustLeave || this.#frozen.has(truth.started.hostId) || this.now - this.#thawedAt <= REPORT_MS) return;
    throw new Error('the window was over under a publisher that sends');
  }

  #checkEndOrder(): void {
    const isOrdered = (order: readonly string[]): boolean => {
      const places = this.#endSteps.map((step) => order.indexOf(step)).filter((place) => place >= 0);
      return places.every((place, index) => index === 0 || place >= places[index - 1]!);
    };
    // An encoder may be on its way out already when the end begins.
    if (isOrdered(['restreams', 'playlists', 'publisher', 'ended']) && isOrdered(['encoder', 'playlists'])) return;
    throw new Error(`ended in the order ${this.#endSteps.join(', ')}`);
  }

  /** What is to be done now; checked for what must never be asked. */
  #look(): void {
    const wanted = obligationsOf(this.life);
    const keys = wanted.map(({ key }) => key);
    if (new Set(keys).size !== keys.length) throw new Error(`asked twice: ${keys.join(' ')}`);
    const wake = wanted.find((obligation) => obligation.kind === 'wake');
    if (wake && wake.at <= this.now) throw new Error('asked to be woken in the past, again and again');
    for (const obligation of wanted) if (obligation.kind === 'encode') this.#encode(obligation);
    const media = wanted.filter(({ kind }) => kind === 'encode' || kind === 'stopEncoder');
    if (media.length > 1) throw new Error(`two encoders at once: ${media.map(({ key }) => key).join(' ')}`);
  }

  #encode({ order: { hostId, broadcastId, epoch } }: Extract<Obligation, { kind: 'encode' }>): void {
    const running = this.#encoders.get(hostId);
    if (running?.broadcastId === broadcastId && running.epoch === epoch) return;
    // What a broadcast leaves behind is ended there by a workflow of its own, and fenced by its number.
    const isLeft = this.life.handOvers.length > 0 || running?.broadcastId !== broadcastId;
    if (running && !isLeft && epoch <= running.epoch) throw new Error('an encoder with a number that was used');
    if (running && !isLeft && !this.#wasLost(running.epoch)) throw new Error('an encoder was begun beside another');
    this.#encoders.set(hostId, { broadcastId, epoch });
  }

  readonly #lost = new Set<number>();
  /** Nobody could ask for its end: the host replaces it when the next one begins. */
  #wasLost(epoch: number): boolean {
    return this.#lost.has(epoch);
  }

  happen(happening: Happening): void {
    switch (happening.do) {
      case 'publish':
        return this.#publish(happening);
      case 'leave':
        return this.#leave(happening.isTold);
      case 'repeat': {
        const fact = this.#heard[happening.which % Math.max(1, this.#heard.length)];
        return fact ? this.take(happening.isAnew ? anew(fact, this.now) : fact) : undefined;
      }
      case 'freeze':
        return void this.#frozen.add(happening.host);
      case 'thaw':
        return this.#thaw(happening.host);
      case 'end':
        return this.take({ kind: 'endRequested', cause: 'api' });
      case 'operator':
        return this.take({ kind: 'endRequested', cause: 'operator' });
      case 'disable':
        return this.take({ kind: 'disabled' });
      case 'enable':
        return this.take({ kind: 'enabled' });
      case 'delete':
        this.#deleted = true;
        return this.take({ kind: 'deleteRequested' });
      case 'rotate':
        if (this.#truth?.wasTold) this.#truth.mustLeave = true;
        return this.take({ kind: 'keyRotated' });
      case 'databaseAway':
        this.#databaseAway = true;
        return;
      case 'databaseBack':
        this.#databaseAway = false;
        return;
      case 'continueAsNew':
        this.life = JSON.parse(JSON.stringify(this.life)) as StreamLife;
        return this.take({ kind: 'woken' });
      case 'playable':
      case 'dry': {
        const encoder = this.life.broadcast?.encoder;
        if (!encoder) return;
        const { broadcastId, epoch } = encoder.order;
        return this.take({ kind: 'encoderPlayable', broadcastId, epoch, playable: happening.do === 'playable' });
      }
      case 'encoder':
        return this.#encoderEnds(happening.reason);
      case 'fulfil': {
        const open = this.#doable();
        const chosen = open[happening.which % Math.max(1, open.length)];
        return chosen ? this.#fulfil(chosen) : undefined;
      }
      case 'wait':
        return this.#wait(happening.ms);
    }
  }

  #publish({ host, source, isTold }: Extract<Happening, { do: 'publish' }>): void {
    // The ingest refuses them, and a publisher that is there is replaced only when it has left.
    if (this.life.phase !== 'idle' && this.life.phase !== 'broadcast') return;
    if (this.life.disabled || this.life.broadcast?.ending || this.#frozen.has(host)) return;
    if (this.#truth) this.#leave(false);
    this.#publishSeq += 1;
    const publishId = `pub-${this.#publishSeq}`;
    const started = {
      eventId: `start-${publishId}`,
      streamId: 'str_1',
      publishId,
      publishSeq: this.#publishSeq,
      hostId: host,
      source: SOURCES[source],
      remoteAddress: '192.0.2.1:5000',
    };
    this.#truth = { started, wasTold: isTold, mustLeave: false };
    if (isTold) this.#tell({ kind: 'publishStarted', started });
  }

  #leave(isTold: boolean): void {
    const truth = this.#truth;
    if (!truth) return;
    this.#truth = null;
    const { publishId, publishSeq } = truth.started;
    if (isTold) this.#tell({ kind: 'publishStopped', stopped: { eventId: `stop-${publishId}`, publishId, publishSeq, reason: 'closed' } });
  }

  #tell(fact: Fact): void {
    this.#heard.push(fact);
    this.take(fact);
  }

  #thaw(host: Host): void {
    if (this.#frozen.delete(host)) this.#thawedAt = this.now;
  }

  /** As its host would say it: `source_gone` only of a publisher that has left, `source_unknown` only while the ingest is silent. */
  #encoderEnds(reason: EncoderEnd['reason']): void {
    const encoder = this.life.broadcast?.encoder;
    if (!encoder || encoder.stopping) return;
    const { hostId, broadcastId, epoch, programme } = encoder.order;
    const isSilent = this.#frozen.has(hostId);
    const isThere = this.#truth?.started.publishId === encoder.publishId;
    if (reason === 'source_gone' && ((isThere && !programme) || isSilent)) return;
    if (reason === 'source_unknown' && !isSilent) return;
    if (reason === 'host_lost') this.#lost.add(epoch);
    else this.#encoders.delete(hostId);
    this.take({
      kind: 'encoderEnded',
      broadcastId,
      epoch,
      end: { reason, detail: '', mediaSeconds: 1, unreachable: reason === 'host_lost' },
    });
  }

  /** What can be done now: nothing in Postgres while it is away, nothing that has to be asked of a frozen host. */
  #doable(): Obligation[] {
    return obligationsOf(this.life).filter((obligation) => {
      if (obligation.kind === 'encode' || obligation.kind === 'restream' || obligation.kind === 'wake') return false;
      if (obligation.kind === 'findPublisher') return !this.#frozen.has(obligation.hostId);
      const needsDatabase = ['open', 'readSettings', 'record', 'purge'].includes(obligation.kind);
      return !(needsDatabase && this.#databaseAway);
    });
  }

  #fulfil(obligation: Obligation): void {
    switch (obligation.kind) {
      case 'open':
        return this.take({ kind: 'opened', broadcastId: obligation.row.broadcastId, settings: this.#settings, retentionHours: 1 });
      case 'readSettings':
        return this.take({ kind: 'settingsRead', reusable: this.#settings.reusable });
      case 'stopEncoder': {
        const { hostId, broadcastId, epoch } = obligation;
        this.#encoders.delete(hostId);
        if (this.life.broadcast?.ending) this.#endSteps.push('encoder');
        return this.take({ kind: 'encoderStopped', broadcastId, epoch });
      }
      case 'findPublisher': {
        const present = this.#truth?.started.publishId === obligation.publishId;
        return this.take({ kind: 'publisherFound', publishId: obligation.publishId, present });
      }
      case 'endRestreams':
        this.#endSteps.push('restreams');
        return this.take({ kind: 'restreamsEnded', broadcastId: obligation.broadcastId });
      case 'finishPlaylists':
        this.#endSteps.push('playlists');
        return this.take({ kind: 'playlistsFinished', broadcastId: obligation.broadcastId, summary: { durationSeconds: 1, bytes: 1 } });
      case 'dismiss': {
        const { publishId } = obligation.dismissal;
        if (this.life.broadcast?.ending?.step === 'publisher') this.#endSteps.push('publisher');
        if (this.#truth?.started.publishId === publishId) this.#truth = null;
        return this.take({ kind: 'dismissed', publishId });
      }
      case 'handOver':
        return this.take({ kind: 'handedOver', key: obligation.key });
      case 'purge':
        return this.take({ kind: 'purged' });
      case 'record':
        return this.take({ kind: 'recorded', count: obligation.projections.length });
      case 'encode':
      case 'restream':
      case 'wake':
    }
  }

  /** Time passes up to each moment at which something is due. */
  #wait(ms: number): void {
    const until = this.now + ms;
    while (this.now < until) {
      const wake = obligationsOf(this.life).find((obligation) => obligation.kind === 'wake');
      this.now = Math.min(until, this.#reportedAt + REPORT_MS, wake?.at ?? until);
      if (this.now >= this.#reportedAt + REPORT_MS) this.#report();
      if (wake && this.now >= wake.at) this.take({ kind: 'woken' });
    }
  }

  /** The ingest compares, and says again what is not known; one that is told to leave by its number leaves. */
  #report(): void {
    this.#reportedAt = this.now;
    const truth = this.#truth;
    if (!truth || this.#frozen.has(truth.started.hostId)) return;
    const { publishSeq, publishId } = truth.started;
    if (publishSeq <= this.life.stoppedSeq || this.life.phase === 'ended' || this.life.phase === 'purged') this.#truth = null;
    else if (this.life.publisher?.publishId !== publishId) {
      truth.wasTold = true;
      this.take({ kind: 'publishStarted', started: { ...truth.started, eventId: `again-${publishId}-${this.now}` } });
    }
  }

  /** Everything answers again, for as long as anything is waited for. */
  calm(): void {
    this.#databaseAway = false;
    for (const host of HOSTS) this.#thaw(host);
    const ROUNDS = 60;
    for (let round = 0; round < ROUNDS; round += 1) {
      for (let steps = 0; this.#doable().length > 0; steps += 1) {
        if (steps > 500)
          throw new Error(
            `never done: ${this.#doable()
              .map(({ key }) => key)
              .join(' ')}`,
          );
        this.#fulfil(this.#doable()[0]!);
      }
      // Its host knows, even if nobody was told, that what an encoder reads has ended.
      const publisher = this.life.publisher?.publishId;
      const isFooled = publisher !== undefined && publisher !== this.#truth?.started.publishId;
      // Of a programme: an ingest whose word was lost was started again, and the programme with it.
      if (isFooled || !this.life.broadcast?.encoder?.order.programme) this.#encoderEnds('source_gone');
      this.happen({ do: 'playable' });
      this.#wait(REPORT_MS / 2);
    }
    while (this.#doable().length > 0) this.#fulfil(this.#doable()[0]!);
  }

  get isDone(): boolean {
    return isAllDone(this.life);
  }
}
