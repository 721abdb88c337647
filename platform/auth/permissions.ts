/** What a credential may do. `admin` includes all others; none of the others includes another. */
export const PERMISSIONS = ['stream:read', 'stream:write', 'stream:publish', 'playback', 'admin'] as const;
export type Permission = (typeof PERMISSIONS)[number];

/** Who calls: an API key itself (HTTP Basic), or a token signed with its secret. */
export interface Credential {
  kind: 'basic' | 'token';
  apiKey: string;
  permissions: readonly Permission[];
  /** The only stream this credential is for; null = every stream. */
  streamId: string | null;
}

export const isPermission = (value: unknown): value is Permission => PERMISSIONS.includes(value as Permission);

/** True when one of the permissions is held. */
export function holdsOneOf(credential: Credential, wanted: readonly Permission[]): boolean {
  return credential.permissions.some((held) => held === 'admin' || wanted.includes(held));
}

/** False for a credential narrowed to another stream. */
export function coversStream(credential: Credential, streamId: string): boolean {
  return credential.streamId === null || credential.streamId === streamId;
}
