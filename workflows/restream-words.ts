import type { DestinationError, RestreamEnd, RestreamState } from '../domain/destination.js';

/** Why a connection is begun anew. */
export const SOURCE_CHANGED: DestinationError = {
  code: 'restream_source_changed',
  message: 'The encoder came back with another format, so sending starts again on a new connection.',
};

export const HOST_CHANGED: DestinationError = {
  code: 'restream_source_lost',
  message: 'The broadcast goes on at another media host, so sending starts again from there.',
};

/** The media host took or finished no activity: an end like any other for the policy. */
export const lostHost = (error: unknown): RestreamEnd => {
  const cause = error instanceof Error ? ((error.cause as Error | undefined) ?? error) : error;
  return { code: 'restream_source_lost', detail: cause instanceof Error ? cause.message : String(cause), wasLive: false, bytesSent: 0 };
};

/** What an operator sees of it in the Temporal UI. */
export const detailsOf = ({ status, attempts, lastError, nextAttemptAt }: RestreamState, label: string): string =>
  [
    `**${status}**, ${label}`,
    `- connections: ${attempts}`,
    `- next: ${nextAttemptAt ?? 'none planned'}`,
    `- last error: ${lastError ? `${lastError.code}: ${lastError.message}` : 'none'}`,
  ].join('\n');
