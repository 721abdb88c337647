/** A platform whose ingest address is the same for everybody: a stream key is all it needs beside. */
export interface Platform {
  /** As people write it. */
  name: string;
  url: string;
}

export const PLATFORM_IDS = ['youtube', 'twitch', 'facebook', 'instagram', 'kick'] as const;
export type PlatformId = (typeof PLATFORM_IDS)[number];

/**
 * Addresses the platforms publish for encoders. Those that give each account or event an address of its own
 * (LinkedIn, X, TikTok) are not here: they need `url`.
 */
export const PLATFORMS: Record<PlatformId, Platform> = {
  youtube: { name: 'YouTube', url: 'rtmps://a.rtmps.youtube.com:443/live2' },
  twitch: { name: 'Twitch', url: 'rtmp://live.twitch.tv/app' },
  facebook: { name: 'Facebook', url: 'rtmps://live-api-s.facebook.com:443/rtmp' },
  instagram: { name: 'Instagram', url: 'rtmps://live-upload.instagram.com:443/rtmp' },
  kick: { name: 'Kick', url: 'rtmps://fa723fc1b171.global-contribute.live-video.net:443/app' },
};

/** For whatever nobody has named. */
const UNNAMED = 'Destination';

/** What a destination is called where people read: never a URL. */
export const destinationLabel = (name: string | null, platform: PlatformId | null): string =>
  name || (platform ? PLATFORMS[platform].name : UNNAMED);
