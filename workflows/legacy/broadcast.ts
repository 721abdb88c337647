import { CancellationScope, condition, patched, sleep, uuid4 } from '@temporalio/workflow';
import type { RecordingProjection } from '../../domain/contracts/catalog.js';
import { expendableRendition } from '../../domain/ladder.js';
import { decideRestart } from '../../domain/restart-policy.js';
import type { SourceLayout } from '../../domain/source.js';
import type { EndCause, StreamStatus } from '../../domain/stream.js';
import { attempt } from '../attempt.js';
import { finishBroadcast } from './broadcast-finish.js';
import { BroadcastHosts } from './broadcast-hosts.js';
import { BroadcastRecord } from './broadcast-record.js';
import type { CarriedBroadcast, LastEncoder } from './carried-broadcast.js';
import { Encoding, type EncodingEnd } from './encoding.js';
import { leaveHost, type FormerHostInput } from '../former-host-workflow.js';
import type { PublishStarted } from '../messages.js';
import { catalog, mediaCommands } from '../proxies.js';
import { Restreams } from './restreams.js';
import type { StreamLifecycle } from './stream-lifecycle.js';
import type { Transition } from './transition.js';

/** After an encoder ran out of input, the ingest's word of the publisher's end is at most this far behind. */
const PUBLISHER_WORD_GRACE = '5 seconds';
/** A restarted encoder delivers sooner; without it viewers have run dry, and the stream is no longer live. */
const PICTURE_GRACE = '4 seconds';
const MS_PER_SECOND = 1000;
/** Histories from before a broadcast could change its host kept to the first one, and waited for it at the end. */
const BROADCAST_CHANGES_HOST = 'broadcast-changes-host';
const LOST_HOST_IS_FINISHED_LATER = 'lost-host-is-finished-later';

export interface BroadcastOutcome {
  /** The stream can be published to again. */
  reusable: boolean;
  /** Not over: the history has become long, and another run goes on with it. */
  unfinished: CarriedBroadcast | null;
}

/** One go-live of a stream, from its first publish to its end. */
export class Broadcast {
  readonly id: string;
  readonly #life: StreamLifecycle;
  #hosts: BroadcastHosts;
  readonly #record: BroadcastRecord;
  #retentionHours = 0;
  #encoding: Encoding | null = null;
  #epoch = 0;
  #last: LastEncoder | null = null;
  #failures: number[] = [];
  #overdue = false;
  /** Since when viewers have had nothing new; null while they have. */
  #interruptedAt: number | null = null;
  #restreams: Restreams | null = null;
  readonly #clock = new CancellationScope();
  #endsAt = 0;
  #isOpen = false;

  constructor(life: StreamLifecycle, begun: Pick<PublishStarted, 'hostId' | 'source'> & { broadcastId?: string }) {
    this.id = begun.broadcastId ?? `brd_${uuid4().replaceAll('-', '')}`;
    this.#life = life;
    this.#hosts = new BroadcastHosts(begun.hostId);
    this.#record = new BroadcastRecord(this.id, begun.source);
  }

  /** Goes on with a broadcast that an earlier run of the workflow has begun; its encoder is adopted. */
  static resume(life: StreamLifecycle, carried: CarriedBroadcast): Broadcast {
    const broadcast = new Broadcast(life, carried);
    broadcast.#restore(carried);
    return broadcast;
  }

  /** Runs to the end, or until another run has to go on with it. */
  async run(): Promise<BroadcastOutcome> {
    if (!this.#isOpen) await this.#open();
    this.#startClock();
    const cause = await this.#untilEnd();
    if (cause) await this.#finish(cause);
    return { reusable: this.#record.settings.reusable, unfinished: cause ? null : this.#carry() };
  }

  #restore(carried: CarriedBroadcast): void {
    const { settings, liveAt, encoding } = carried;
    this.#isOpen = true;
    Object.assign(this.#record, { settings, liveAt });
    this.#retentionHours = carried.retentionHours;
    this.#endsAt = carried.endsAt;
    this.#epoch = encoding.epoch;
    this.#last = carried.last;
    this.#failures = [...carried.failures];
    this.#hosts = BroadcastHosts.resume(carried);
    if (this.#hosts.former.length > 0) this.#record.hostId = this.#hosts.present;
    this.#record.dropped = [...(carried.dropped ?? [])];
    this.#encoding = new Encoding(encoding).start();
    this.#life.resume('live', this.id, this.#hosts.present);
    this.#life.restreams = this.#restreams = new Restreams(this.#life, this.id, this.#hosts.present, carried.source).inherit(
      carried.restreams,
    );
  }

  #carry(): CarriedBroadcast {
    const { settings, source, liveAt } = this.#record;
    return {
      broadcastId: this.id,
      settings,
      retentionHours: this.#retentionHours,
      source,
      liveAt,
      endsAt: this.#endsAt,
      encoding: { ...this.#encoding!.input, publishId: this.#encoding!.publishId },
      last: this.#last,
      failures: this.#failures,
      ...this.#hosts.carried,
      ...(this.#record.dropped.length > 0 ? { dropped: this.#record.dropped } : {}),
      restreams: this.#restreams?.carry() ?? [],
    };
  }

  /** Only while everything runs smoothly: what is in the middle of something is finished by the run that began it. */
  #mayContinueAsNew(): boolean {
    const { status, publisher, keyRotated, mayContinueAsNew } = this.#life;
    const encoding = this.#encoding;
    const runs = encoding?.playable && encoding.end === null && encoding.publishId === publisher?.publishId;
    return Boolean(runs) && status === 'live' && !keyRotated && mayContinueAsNew && this.#restreams?.isSettled === true;
  }

  async #open(): Promise<void> {
    const life = this.#life;
    life.broadcastId = this.id;
    life.hostId = this.#hosts.present;
    const publisher = life.publisher;
    const row = { broadcastId: this.id, streamId: life.streamId, hostId: this.#hosts.present, startedAt: new Date().toISOString() };
    const opened = await catalog.openBroadcast.executeWithOptions({ summary: `open ${this.id}` }, [row]);
    this.#record.settings = opened.settings;
    this.#retentionHours = opened.retentionHours;
    this.#endsAt = Date.now() + opened.settings.maxDurationSeconds * MS_PER_SECOND;
    life.transition({
      status: 'connecting',
      broadcast: this.#record.projection('connecting'),
      event: { type: 'stream.connected', data: { remoteAddress: publisher?.remoteAddress ?? null, source: this.#record.source } },
    });
  }

  #startClock(): void {
    void this.#clock
      .run(async () => {
        await sleep(Math.max(1, this.#endsAt - Date.now()), { summary: 'maximum duration' });
        this.#overdue = true;
      })
      .catch(() => undefined /* cancelled: the broadcast ended before */);
  }

  get #cause(): EndCause | null {
    return this.#life.endCause ?? (this.#overdue ? 'max_duration' : null);
  }

  /** Why it ends; null when another run has to go on with it. */
  async #untilEnd(): Promise<EndCause | null> {
    for (;;) {
      if (this.#cause) return this.#cause;
      if (this.#mayContinueAsNew()) return null;
      const next = this.#life.publisher ? await this.#encode(this.#life.publisher) : await this.#awaitPublisher();
      if (next) return next;
    }
  }

  /** The publisher is gone: the window is a durable timer, and the broadcast goes on if it is back in time. */
  async #awaitPublisher(): Promise<EndCause | null> {
    if (!this.#encoding?.showsProgramme) await this.#stopEncoding();
    const seconds = this.#record.settings.reconnectWindowSeconds;
    if (seconds === 0) return 'reconnect_window_over';
    if (this.#record.liveAt && this.#last) this.#encoding ??= this.#startSlate(this.#last.publishId);
    this.#interrupt({ reconnectWindowSeconds: seconds });
    const back = () => this.#life.publisher !== null || this.#cause !== null;
    const inTime = await condition(back, seconds * MS_PER_SECOND, { summary: 'reconnect window' });
    return inTime ? null : 'reconnect_window_over';
  }

  /** Encodes this publisher until something changes; a cause ends the broadcast. */
  async #encode(publisher: PublishStarted): Promise<EndCause | null> {
    const life = this.#life;
    if (publisher.hostId !== this.#hosts.present && patched(BROADCAST_CHANGES_HOST)) await this.#moveTo(publisher.hostId);
    if (this.#encoding && this.#encoding.publishId !== publisher.publishId) {
      if (this.#encoding.canTake(publisher)) this.#encoding.publishId = publisher.publishId;
      else await this.#stopEncoding();
    }
    const encoding = (this.#encoding ??= this.#startEncoding(publisher));
    const changed = () => life.publisher?.publishId !== publisher.publishId || life.keyRotated;
    const announced = () => encoding.playable && life.status !== 'live';
    const ended = () => encoding.unplayable !== null || encoding.end !== null;
    const news = () => this.#cause !== null || changed() || announced() || ended() || this.#mayContinueAsNew();
    if (life.status !== 'live' || encoding.playable) await condition(news);
    else if (!(await condition(() => news() || encoding.playable, PICTURE_GRACE))) this.#interrupt({ problem: 'no_picture' });
    if (announced()) this.#goLive();
    if (life.keyRotated) await this.#dismissPublisher(publisher);
    if (this.#cause || changed()) return null;
    if (encoding.end) return this.#afterEncoding(encoding, encoding.end, publisher);
    return encoding.unplayable ? this.#withoutPicture(encoding, encoding.unplayable, publisher) : null;
  }

  /**
   * The publisher is at another host now: the broadcast goes on there. What it leaves behind is ended when the old host can be
   * reached; nobody waits for that.
   */
  async #moveTo(hostId: string): Promise<void> {
    const left = this.#leftAt(this.#hosts.present);
    this.#abandonEncoding();
    this.#last = null;
    const openedAt = this.#endsAt - this.#record.settings.maxDurationSeconds * MS_PER_SECOND;
    this.#hosts.moveTo(hostId, Date.now() - openedAt);
    this.#life.hostId = this.#record.hostId = hostId;
    if (this.#record.liveAt) this.#interruptedAt ??= Date.now();
    const status = this.#record.liveAt ? 'reconnecting' : this.#life.status;
    const isNews = status !== this.#life.status;
    this.#transition(status, isNews ? { type: 'stream.reconnecting', data: { problem: 'host_changed', hostId } } : undefined);
    // Restreams hear first that they move: one that is only ended at the old host would take it for its end.
    await this.#restreams?.moveTo(hostId);
    await attempt(() => leaveHost({ ...left, finish: null }));
  }

  #leftAt(hostId: string): Omit<FormerHostInput, 'finish'> {
    const publishId = this.#encoding?.publishId ?? this.#last?.publishId ?? null;
    return { broadcastId: this.id, hostId, epoch: this.#epoch, publishId, restreams: this.#restreams?.connections ?? [] };
  }

  /** Does not wait for an encoder whose host may be gone. */
  #abandonEncoding(): void {
    this.#encoding?.abandon();
    this.#encoding = null;
  }

  /** A broadcast that was playable gets as many encoders as its window has time for: its origin may have been away. */
  async #withoutPicture(encoding: Encoding, detail: string, publisher: PublishStarted): Promise<EndCause | null> {
    const waitedMs = Date.now() - (this.#interruptedAt ?? Date.now());
    const isOver = waitedMs >= this.#record.settings.reconnectWindowSeconds * MS_PER_SECOND;
    if (this.#record.liveAt === null || isOver) return this.#fail('no_playable_media', detail);
    await this.#stopEncoding();
    return this.#afterEncoding(encoding, { reason: 'stalled', detail, mediaSeconds: 0 }, publisher);
  }

  /** What viewers have is over; told once, however many reasons follow each other. */
  #interrupt(data: Record<string, unknown>): void {
    this.#interruptedAt ??= Date.now();
    if (this.#life.status !== 'reconnecting') this.#transition('reconnecting', { type: 'stream.reconnecting', data });
  }

  #startEncoding(publisher: PublishStarted): Encoding {
    this.#record.source = publisher.source;
    void this.#restreams?.sourceChanged(publisher.source);
    const { hostId, publishId, source } = publisher;
    const isFirst = this.#last?.publishId !== publishId;
    if (isFirst) this.#last = { publishId, epoch: this.#epoch + 1, mediaSeconds: 0 };
    const { epoch, mediaSeconds } = this.#last!;
    const after = isFirst ? null : { epoch, mediaSeconds };
    return new Encoding({ ...this.#encoderOf(source), hostId, publishId, after, programme: false }).start();
  }

  /**
   * What viewers see while the publisher is away: the playlists go on. The publisher is taken into the same encoder when
   * it is back as it was. Beside the window: where no slate can be had, viewers wait.
   */
  #startSlate(publishId: string): Encoding {
    const encoder = this.#encoderOf(this.#record.source);
    return new Encoding({ ...encoder, hostId: this.#hosts.present, publishId, after: null, programme: true }).start();
  }

  #encoderOf(source: SourceLayout) {
    const { streamId } = this.#life;
    const { settings, dropped } = this.#record;
    const { fromSequence } = this.#hosts;
    const numbering = fromSequence === undefined ? {} : { fromSequence };
    const without = dropped.length > 0 ? { without: [...dropped] } : {};
    return { streamId, broadcastId: this.id, epoch: ++this.#epoch, source, settings, ...numbering, ...without };
  }

  #goLive(): void {
    const again = this.#record.liveAt !== null;
    this.#interruptedAt = null;
    this.#hosts.lost = false;
    this.#record.liveAt ??= new Date().toISOString();
    const renditions = this.#record.renditions.map((rendition) => rendition.id);
    this.#transition('live', { type: again ? 'stream.reconnected' : 'stream.live', data: { renditions } });
    if (!again) this.#startRestreams();
    if (!again && this.#record.settings.record) {
      this.#transition(
        'live',
        { type: 'recording.started', data: { recordingId: this.#record.recordingId } },
        this.#record.recording('recording'),
      );
    }
  }

  /** Beside the broadcast: no destination, and no database that is away, holds it up. */
  #startRestreams(): void {
    this.#restreams = new Restreams(this.#life, this.id, this.#hosts.present, this.#record.source);
    this.#life.restreams = this.#restreams;
    void this.#restreams.startEnabled();
  }

  /** The encoder ended by itself: wait for the publisher's news, or start the next epoch. */
  async #afterEncoding({ programme }: Encoding, ended: EncodingEnd, publisher: PublishStarted): Promise<EndCause | null> {
    const life = this.#life;
    const end: EncodingEnd = ended.reason === 'source_unknown' ? { ...ended, reason: 'source_gone' } : ended;
    this.#encoding = null;
    this.#hosts.lost = end.unreachable === true;
    // There was no slate to be had, or the ingest is gone: the next encoder, from the publisher itself, finds out.
    if (programme && end.reason === 'source_gone') return null;
    if (end.reason === 'source_gone' || end.reason === 'stopped' || end.reason === 'host_lost') {
      const told = () => life.publisher?.publishId !== publisher.publishId || this.#cause !== null;
      // An ingest that was killed sends no word: its publishers are gone with it.
      if (!(await condition(told, PUBLISHER_WORD_GRACE))) life.publisher = null;
      return null;
    }
    if (end.mediaSeconds > 0) this.#last = { publishId: publisher.publishId, epoch: this.#epoch, mediaSeconds: end.mediaSeconds };
    if (end.reason === 'too_slow') return this.#dropRendition(end);
    this.#failures.push(Date.now());
    const decision = decideRestart(this.#failures, this.#record.liveAt !== null);
    if (!decision.restart) return this.#fail('encoder_failed', end.detail);
    this.#transition(life.status, {
      type: 'stream.health',
      data: { problem: `encoder_${end.reason}`, detail: end.detail, restartInMs: decision.delayMs },
    });
    if (decision.delayMs > 0) await sleep(decision.delayMs, { summary: 'before the encoder is started again' });
    return null;
  }

  /** No failure of the encoder: the host is too slow for all it was asked for, and the next one is asked for less. */
  #dropRendition({ pace }: EncodingEnd): null {
    const dropped = expendableRendition(this.#record.renditions)?.id ?? null;
    if (dropped !== null) this.#record.dropped.push(dropped);
    const renditions = this.#record.renditions.map(({ id }) => id);
    this.#transition(this.#life.status, {
      type: 'stream.health',
      data: { problem: 'encoder_too_slow', droppedRendition: dropped, renditions, ...pace },
    });
    return null;
  }

  #fail(cause: EndCause, detail: string): EndCause {
    this.#transition(this.#life.status, { type: 'stream.failed', cause, data: { detail } });
    return cause;
  }

  async #stopEncoding(): Promise<void> {
    const encoding = this.#encoding;
    this.#encoding = null;
    await attempt(async () => encoding?.stop());
  }

  async #dismissPublisher(publisher: PublishStarted): Promise<void> {
    this.#life.keyRotated = false;
    const input = { publishId: publisher.publishId, reason: 'the stream key was rotated' };
    await attempt(() => mediaCommands(publisher.hostId).disconnectPublisher.executeWithOptions({ summary: input.reason }, [input]));
    if (this.#life.publisher?.publishId === publisher.publishId) this.#life.publisher = null;
  }

  async #finish(cause: EndCause): Promise<void> {
    this.#clock.cancel();
    // Of a host that is gone nothing can be had now; it is finished when it is back. Histories before that waited for it.
    const isLost = this.#hosts.lost && patched(LOST_HOST_IS_FINISHED_LATER);
    if (isLost) this.#abandonEncoding();
    const restreams = this.#restreams;
    const { former, present } = this.#hosts;
    const hosts = isLost ? [...former, present] : former;
    await finishBroadcast(cause, {
      life: this.#life,
      record: this.#record,
      hostId: present,
      retentionHours: this.#retentionHours,
      left: hosts.map((hostId) => ({ ...this.#leftAt(hostId), publishId: null })),
      endRestreams: async () => restreams?.endAll(),
      stopEncoding: () => this.#stopEncoding(),
    });
  }

  #transition(status: StreamStatus, event: Transition['event'], recording?: RecordingProjection): void {
    const broadcast = this.#record.projection(status);
    this.#life.transition({ status, broadcast, ...(recording ? { recording } : {}), ...(event ? { event } : {}) });
  }
}
