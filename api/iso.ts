/** A time as answers have it: ISO 8601, UTC. */
export const iso = (time: Date | null): string | null => time?.toISOString() ?? null;
