import type { EncoderEnd, EncoderOrder } from '../lifecycle/encoder-order.js';

/* What a stream's workflow asks of a media host's encoders, and what it hears. JSON only: it travels through Temporal. */

/** An encoder's order, at the host it is for. */
export type TranscodeInput = Omit<EncoderOrder, 'hostId'>;

/**
 * How it ended. `stopped`: on purpose, by stopTranscode or for a later epoch. `too_slow`: by its host, to be started with a rendition
 * less. `passthrough_over`: the source's picture can no longer be copied; the next encoder goes on where this one has ended.
 */
export type TranscodeResult = Omit<EncoderEnd, 'reason' | 'unreachable'> & { reason: Exclude<EncoderEnd['reason'], 'host_lost'> };

/** What an operator sees under "Pending Activities", and what tells an attempt from its predecessor. */
export interface TranscodeProgress {
  pid: number;
  startedAt: string;
  epoch: number;
  mediaSeconds: number;
}
