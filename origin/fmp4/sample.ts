/** One coded frame. Times are ticks of its rendition's timescale. */
export interface Sample {
  dts: number;
  duration: number;
  /** Presentation minus decode time; not 0 only with B-frames. */
  compositionOffset: number;
  /** A decoder can start here; always true for AAC. */
  keyframe: boolean;
  /** sample_flags of 14496-12, 8.8.3.1, handed on unchanged. */
  flags: number;
  size: number;
  /** Views into the chunks it came in. */
  data: Buffer[];
}
