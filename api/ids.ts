import { randomInt } from 'node:crypto';
import { monotonicFactory, ulid } from 'ulid';

/** A time-sorted id (ULID): of one attempt at something, and of what it makes, behind a prefix that says what. */
export const newAttemptId = (): string => ulid().toLowerCase();
export const newRequestId = (): string => `req_${newAttemptId()}`;
export const destinationIdOf = (attemptId: string): string => `dst_${attemptId}`;
export const streamIdOf = (attemptId: string): string => `str_${attemptId}`;

/** Several made in one millisecond sort in the order they were made in. */
const monotonicUlid = monotonicFactory();
export const newDestinationId = (): string => destinationIdOf(monotonicUlid().toLowerCase());

const ALPHANUMERIC = 'abcdefghijklmnopqrstuvwxyz0123456789';
const randomText = (length: number): string => Array.from({ length }, () => ALPHANUMERIC[randomInt(ALPHANUMERIC.length)]).join('');

/** 124 bits: whoever does not know a playback address does not guess it. */
const PLAYBACK_ID_LENGTH = 24;
/** 165 bits. Letters and digits alone: every encoder and RTMP server takes them in a path. */
const STREAM_KEY_LENGTH = 32;

export const newPlaybackId = (): string => randomText(PLAYBACK_ID_LENGTH);
export const newStreamKey = (): string => `sk_${randomText(STREAM_KEY_LENGTH)}`;

/** Ids have one of these shapes; anything else names nothing, and the database need not be asked. */
export const STREAM_ID = /^str_[0-9a-z]{26}$/;
export const DESTINATION_ID = /^dst_[0-9a-z]{26}$/;
/** As HOLDFAST_HOST_ID. */
export const HOST_ID = /^[A-Za-z0-9._-]{1,64}$/;
export const RESOURCE_ID = /^[A-Za-z0-9_-]{1,64}$/;
