import type { Socket } from 'node:net';
import type { Rendition } from '../../domain/ladder.js';
import type { PartProfile } from '../hls/part-target.js';
import { BoxReader, wholeBox, type Box } from '../fmp4/box-reader.js';
import { MediaFormatError } from '../fmp4/format-error.js';
import { readFragment } from '../fmp4/fragment.js';
import { readInitSegment, type InitSegment } from '../fmp4/init-segment.js';
import type { CutGrid } from './cut-grid.js';
import type { CutPart, CutSegment } from './cut-segment.js';
import { Segmenter } from './segmenter.js';

export interface RenditionInputOptions {
  rendition: Rendition;
  grid: CutGrid;
  startsGrid: boolean;
  parts: PartProfile;
  /** See SegmenterOptions. */
  cutsOverdue: boolean;
  onInit: (init: InitSegment) => void;
  onPart: (segment: CutSegment, part: CutPart) => void;
  onSegment: (segment: CutSegment) => void;
  /** The connection is over; `reason` is null for a plain end of stream. */
  onClosed: (reason: string | null) => void;
  /** The packager itself failed on these bytes. */
  onFault: (error: unknown) => void;
}

/** One encoder output: bytes from a socket in, finished segments out. Reads at once whatever comes, always. */
export class RenditionInput {
  bytes = 0;
  connected = false;
  #options: RenditionInputOptions;
  #boxes = new BoxReader((box) => this.#onBox(box));
  #socket: Socket | null = null;
  #ftyp: Buffer | null = null;
  #moof: Buffer | null = null;
  #init: InitSegment | null = null;
  #segmenter: Segmenter | null = null;
  #firstDts: number | null = null;
  #endDts = 0;

  constructor(options: RenditionInputOptions) {
    this.#options = options;
  }

  /** Seconds of media received. */
  get mediaSeconds(): number {
    if (!this.#init || this.#firstDts === null) return 0;
    return (this.#endDts - this.#firstDts) / this.#init.timescale;
  }

  get open(): CutSegment | null {
    return this.#segmenter?.open ?? null;
  }

  skipTo(index: number): void {
    this.#segmenter?.skipTo(index);
  }

  attach(socket: Socket): void {
    this.#socket = socket;
    this.connected = true;
    let reason: string | null = null;
    socket.on('data', (chunk: Buffer) => {
      if (!this.connected) return;
      this.bytes += chunk.length;
      try {
        this.#boxes.push(chunk);
      } catch (error) {
        // Whatever these bytes did: this run ends, and no other broadcast notices.
        reason = error instanceof Error ? error.message : String(error);
        if (!(error instanceof MediaFormatError)) this.#options.onFault(error);
        this.close();
      }
    });
    socket.on('error', (error) => {
      reason ??= error.message;
    });
    socket.on('close', () => {
      this.connected = false;
      this.#options.onClosed(reason);
    });
  }

  /** Refuses every later byte. */
  close(): void {
    this.connected = false;
    this.#socket?.destroy();
  }

  #onBox(box: Box): void {
    switch (box.type) {
      case 'ftyp':
        this.#ftyp = wholeBox(box);
        return;
      case 'moov':
        return this.#onMoov(wholeBox(box));
      case 'moof':
        this.#moof = wholeBox(box);
        return;
      case 'mdat':
        return this.#onMedia(box);
    }
  }

  #onMoov(moov: Buffer): void {
    if (!this.#ftyp || this.#init) throw new MediaFormatError(this.#init ? 'a second moov' : 'moov before ftyp');
    const init = readInitSegment(this.#ftyp, moov);
    const { rendition, grid, startsGrid, parts, cutsOverdue, onPart } = this.#options;
    if (init.kind !== rendition.kind)
      throw new MediaFormatError(`${init.kind} on the socket of ${rendition.kind} rendition ${rendition.id}`);
    this.#init = init;
    const keepsSourceTimes = rendition.kind === 'video' && rendition.copied === true;
    this.#segmenter = new Segmenter({
      kind: init.kind,
      timescale: init.timescale,
      grid,
      startsGrid,
      parts,
      keepsSourceTimes,
      cutsOverdue,
      onPart,
    });
    this.#options.onInit(init);
  }

  #onMedia(mdat: Box): void {
    if (!this.#init || !this.#segmenter || !this.#moof) throw new MediaFormatError('mdat without moov and moof before it');
    const samples = readFragment(this.#moof, mdat, this.#init);
    this.#moof = null;
    for (const sample of samples) {
      for (const segment of this.#segmenter.push(sample)) this.#options.onSegment(segment);
      this.#firstDts ??= sample.dts;
      this.#endDts = sample.dts + sample.duration;
    }
  }
}
