/** A value, or a promise of one that has to be fetched first. */
export type Soon<T> = T | Promise<T>;
