import { HoldfastError } from '../domain/errors.js';
import { parseDestinationUrl } from '../domain/destination-url.js';
import { isPrivateHost } from '../domain/private-address.js';
import { PLATFORMS, type PlatformId } from '../domain/platforms.js';
import type { DestinationSettings } from '../platform/db/repositories/destinations.js';
import type { CreateDestination, PatchDestination } from './schemas/destination.js';

export interface TargetRules {
  /** Loopback and private networks may be sent to. */
  allowPrivateAddresses: boolean;
}

/**
 * What is stored of a new destination. Throws `destination_url_invalid` or `destination_address_forbidden`; `place`
 * is where in the request it stands.
 */
export function toDestinationSettings(body: CreateDestination, rules: TargetRules, place = ''): DestinationSettings {
  const { platform = null, url, streamKey, ...rest } = body;
  return checked({ ...rest, platform, url: addressOf(platform, url), streamKey }, rules, place);
}

/** The stored settings with the changes; throws as `toDestinationSettings`, and `invalid_request`. */
export function changeDestinationSettings(
  stored: DestinationSettings,
  { platform, url, ...changes }: PatchDestination,
  rules: TargetRules,
): DestinationSettings {
  const { name, streamKey, enabled, rendition, slate } = stored;
  const kept = { name, streamKey, enabled, rendition, slate, ...changes };
  if (platform === undefined && url === undefined) {
    return checked({ ...kept, platform: stored.platform, url: stored.url }, rules);
  }
  const wanted = checked({ ...kept, platform: platform ?? null, url: addressOf(platform ?? null, url) }, rules);
  if (changes.streamKey === undefined && streamKey !== null && !isSameHost(stored, wanted)) refuseToCarryKey();
  return wanted;
}

/** The schema has seen to it that there is one of both. */
const addressOf = (platform: PlatformId | null, url: string | undefined): string =>
  platform === null ? (url ?? '') : PLATFORMS[platform].url;

function checked(settings: DestinationSettings, rules: TargetRules, place = ''): DestinationSettings {
  try {
    const { host } = parseDestinationUrl(settings.url, settings.streamKey);
    if (isPrivateHost(host) && !rules.allowPrivateAddresses) throw new HoldfastError('destination_address_forbidden');
    return settings;
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    const errors = [{ path: `${place}url`, message: error.message }];
    throw new HoldfastError(error.code, error.message, { errors }, { cause: error });
  }
}

const isSameHost = (a: DestinationSettings, b: DestinationSettings): boolean =>
  parseDestinationUrl(a.url, a.streamKey).host === parseDestinationUrl(b.url, b.streamKey).host;

/** Whoever may change a destination but was never told its key must not get it by pointing it to a server of theirs. */
function refuseToCarryKey(): never {
  const message = 'Send streamKey too: the stored key is not sent to another host. null: the URL has it.';
  const errors = [{ path: 'streamKey', message }];
  throw new HoldfastError('invalid_request', `The body is not valid. streamKey: ${message}`, { errors });
}
