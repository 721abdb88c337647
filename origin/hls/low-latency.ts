import { attributeList, quoted } from './attributes.js';
import { DURATION_DIGITS } from './part-target.js';

/**
 * What a low-latency broadcast promises its players. Fixed when its first encoder starts, the same in all its playlists,
 * never worked out again: Apple's player stops for good at a change (RFC 8216bis 6.2.1, 6.2.4).
 */
export interface LowLatencyConstants {
  /** Seconds, all of them. */
  partTarget: number;
  partHoldBack: number;
  holdBack: number;
  canSkipUntil: number;
}

/** Apple 14.3 wants three, the RFC two (4.4.3.8). */
const PART_HOLD_BACK_PARTS = 3;
const HOLD_BACK_TARGETS = 3;
const SKIP_TARGETS = 6;

export const lowLatencyConstants = (partTarget: number, targetDuration: number): LowLatencyConstants => ({
  partTarget,
  partHoldBack: Number((PART_HOLD_BACK_PARTS * partTarget).toFixed(DURATION_DIGITS)),
  holdBack: HOLD_BACK_TARGETS * targetDuration,
  canSkipUntil: SKIP_TARGETS * targetDuration,
});

/** Where another playlist of the broadcast is. */
export interface RenditionReport {
  /** Relative to the playlist that carries it. */
  uri: string;
  lastMsn: number;
  /** null when its last segment has no parts. */
  lastPart: number | null;
}

export const renderControl = ({ partTarget, partHoldBack, holdBack, canSkipUntil }: LowLatencyConstants): string[] => [
  `#EXT-X-SERVER-CONTROL:${attributeList({
    'CAN-BLOCK-RELOAD': 'YES',
    'PART-HOLD-BACK': seconds(partHoldBack),
    'HOLD-BACK': seconds(holdBack),
    'CAN-SKIP-UNTIL': seconds(canSkipUntil),
  })}`,
  `#EXT-X-PART-INF:${attributeList({ 'PART-TARGET': seconds(partTarget) })}`,
];

export const renderHint = (uri: string): string => `#EXT-X-PRELOAD-HINT:${attributeList({ TYPE: 'PART', URI: quoted(uri) })}`;

export const renderReport = ({ uri, lastMsn, lastPart }: RenditionReport): string =>
  `#EXT-X-RENDITION-REPORT:${attributeList({ URI: quoted(uri), 'LAST-MSN': lastMsn, 'LAST-PART': lastPart ?? undefined })}`;

const seconds = (value: number): string => value.toFixed(DURATION_DIGITS);
