import type { DestinationTargets } from '../../domain/contracts/destinations.js';
import { parseDestinationUrl } from '../../domain/destination-url.js';
import type { RestreamEnd } from '../../domain/destination.js';
import { HoldfastError, type ErrorCode } from '../../domain/errors.js';
import { classifyEnd } from '../../domain/restream-outcome.js';
import { restreamAddress } from './restream-address.js';
import { readRestreamLog } from './restream-log.js';
import type { RestreamRecord } from './restream-registry.js';

/** Ends of a start that are told as such; anything else thrown is a fault of ours or a dependency that is away. */
const END_CODES: readonly ErrorCode[] = ['destination_url_invalid', 'destination_address_forbidden', 'destination_unreachable'];

const CUT: Record<'unreachable' | 'wedged', Pick<RestreamEnd, 'code' | 'detail'>> = {
  wedged: { code: 'destination_wedged', detail: 'The platform took no more data, so the connection was cut.' },
  unreachable: { code: 'destination_unreachable', detail: 'The platform did not accept the stream in time. It may be overloaded.' },
};

export const stoppedEnd = (wasLive = false, bytesSent = 0): RestreamEnd => ({ code: 'stopped', detail: '', wasLive, bytesSent });

export const deletedEnd = (): RestreamEnd => ({ ...stoppedEnd(), detail: 'The destination was deleted.' });

export const limitEnd = (): RestreamEnd => {
  const { code, message } = new HoldfastError('restream_limit');
  return { ...stoppedEnd(), code: code as RestreamEnd['code'], detail: message };
};

export const cutEnd = (verdict: 'unreachable' | 'wedged', wasLive: boolean, bytesSent: number): RestreamEnd => ({
  ...CUT[verdict],
  wasLive,
  bytesSent,
});

/** Why it could not be started, if that is for its owner to know; null for what is another's fault. */
export function refusedStart(error: unknown): RestreamEnd | null {
  if (!(error instanceof HoldfastError) || !END_CODES.includes(error.code)) return null;
  return { ...stoppedEnd(), code: error.code as RestreamEnd['code'], detail: error.message };
}

/** Of a connection that ended by itself. */
export async function describeEnd(targets: DestinationTargets, record: RestreamRecord, bytesSent: number): Promise<RestreamEnd> {
  const { live: wasLive, logPath, logOffset, destinationId } = record;
  const lines = await readRestreamLog(logPath, logOffset, await secretsOf(targets, destinationId));
  return { ...classifyEnd({ log: lines, wasLive, hidesFailure: record.hidesFailure }), wasLive, bytesSent };
}

/** null when they cannot be known now. */
async function secretsOf(targets: DestinationTargets, destinationId: string): Promise<string[] | null> {
  try {
    const target = await targets.resolve(destinationId);
    return target && restreamAddress(parseDestinationUrl(target.url, target.streamKey), null).secrets;
  } catch {
    return null;
  }
}
