import type { StartEncode } from '../../domain/contracts/origin-control.js';
import { choosePartProfile, fitPartProfile, type PartProfile, type PartSource } from '../hls/part-target.js';
import { lowLatencyConstants } from '../hls/low-latency.js';
import type { Logger } from '../../platform/log/logger.js';
import type { History } from '../store/history.js';
import type { RunLine } from '../store/journal-lines.js';
import { targetDuration } from './target-duration.js';

export interface DescribedRun {
  line: RunLine;
  parts: PartProfile;
}

/**
 * What the journal will say of an encoder that is about to start. The constants of the broadcast are those of its first
 * run, whatever comes later, and are only ever read from the journal again.
 *
 * @param wanted seconds of a part
 */
export function describeRun(history: History, { epoch, gopSeconds, renditions }: StartEncode, wanted: number, log: Logger): DescribedRun {
  const source: PartSource = {
    gopSeconds,
    frameRates: renditions.flatMap((rendition) => (rendition.kind === 'video' ? [rendition.frameRate] : [])),
    hasAudio: renditions.some(({ kind }) => kind === 'audio'),
    keepsSourceTimes: renditions.some((rendition) => rendition.kind === 'video' && rendition.copied),
  };
  const first = history.runs[0];
  const parts = first ? fitLater(first.partTarget, source, log) : chooseFirst(wanted, source, log);
  const target = first?.targetDuration ?? targetDuration(gopSeconds);
  const inParts = first ? first.lowLatency : history.open.latency === 'low' && lowLatencyConstants(parts.partTarget, target);
  return {
    line: {
      type: 'run',
      run: history.runs.length,
      epoch,
      gopSeconds,
      targetDuration: target,
      partTarget: parts.partTarget,
      ...(inParts ? { lowLatency: inParts } : {}),
      renditions,
    },
    parts,
  };
}

function chooseFirst(wanted: number, source: PartSource, log: Logger): PartProfile {
  const { refused, ...parts } = choosePartProfile(wanted, source);
  for (const { partDuration, reason } of refused) {
    log.warn(
      { partDuration, frameRates: source.frameRates, taken: parts.partDuration, reason },
      'part duration not lawful here; a longer one is taken',
    );
  }
  return parts;
}

function fitLater(partTarget: number, source: PartSource, log: Logger): PartProfile {
  const { reason, ...parts } = fitPartProfile(partTarget, source);
  if (reason)
    log.warn({ partTarget, frameRates: source.frameRates, reason }, 'the frame rate does not fit the part target of the broadcast');
  return parts;
}
