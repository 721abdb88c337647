import type { ApiDependencies, PublicAddresses } from './dependencies.js';

type Known = Pick<ApiDependencies, 'addresses' | 'hosts'>;

/**
 * The addresses to show for each of these streams: viewers find a stream at the media host that has (or last had) its
 * broadcast, unless one address leads to all of them.
 */
export async function addressesOfStreams(
  { addresses, hosts }: Known,
  streamIds: readonly string[],
): Promise<(streamId: string) => PublicAddresses> {
  if (addresses.playbackIsShared || streamIds.length === 0) return () => addresses;
  const known = await hosts.playbackOfStreams(streamIds);
  return (streamId) => {
    const there = known.get(streamId);
    return there && there.hostId !== addresses.hostId ? { ...addresses, playback: there.playback } : addresses;
  };
}

export const addressesOfStream = async (deps: Known, streamId: string): Promise<PublicAddresses> =>
  (await addressesOfStreams(deps, [streamId]))(streamId);

/** Where each of these hosts is found by itself. */
export async function playbackOfHosts({ addresses, hosts }: Known, hostIds: readonly string[]): Promise<(hostId: string) => string> {
  const known = await hosts.playbackOf(hostIds);
  return (hostId) =>
    hostId === addresses.hostId && !addresses.playbackIsShared ? addresses.playback : (known.get(hostId) ?? addresses.playback);
}
