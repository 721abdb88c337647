import { type Attack, Finding } from './attack.js';
import { apiRequest, playbackRequest, type RawRequest } from './http-requests.js';
import { mutate } from './mutate.js';
import type { Random } from './random.js';
import { closedWithin, drip, openSocket, type Target } from './raw-socket.js';

/** Longer than any request may be held: a blocking reload waits for three target durations, a slow body for 30 s. */
const LONGEST_ANSWER_MS = 45_000;
const SLOW_CONNECTIONS = 20;
const SLOW_MS = 2000;
const DRIP_MS = 50;
/** Only what is meant to be retried. */
const ALLOWED_5XX = new Set(['501', '503', '505', '507']);

/** The first line's status of whatever came back. */
async function statusOf(target: Target, { bytes, summary }: RawRequest): Promise<string> {
  const socket = await openSocket(target);
  if (!socket) return 'turned away';
  let head = '';
  socket.on('data', (data: Buffer) => {
    if (head.length < 64) head += data.toString('latin1', 0, 64);
  });
  socket.end(bytes);
  const closed = await closedWithin(socket, LONGEST_ANSWER_MS);
  socket.destroy();
  if (!closed && head === '') throw new Finding(`no answer within ${LONGEST_ANSWER_MS} ms: ${summary}`);
  const status = /^HTTP\/1\.\d (\d{3})/.exec(head)?.[1] ?? 'closed';
  if (status.startsWith('5') && !ALLOWED_5XX.has(status)) throw new Finding(`${status}: ${summary}`);
  return status;
}

const attacksOn = (name: string, target: Target, make: (random: Random) => RawRequest): Attack[] => [
  { name: `${name}: odd requests`, strike: (random) => statusOf(target, make(random)) },
  {
    name: `${name}: damaged requests`,
    async strike(random) {
      const { bytes, summary } = make(random);
      return statusOf(target, { bytes: mutate(bytes, random), summary: `damaged ${summary}` });
    },
  },
  {
    name: `${name}: slow requests`,
    async strike(random) {
      const sockets = await Promise.all(Array.from({ length: SLOW_CONNECTIONS }, () => openSocket(target)));
      const open = sockets.filter((socket) => socket !== null);
      const { bytes } = make(random);
      await Promise.all(open.map((socket) => drip(socket, bytes.subarray(0, -1), DRIP_MS, SLOW_MS)));
      for (const socket of open) socket.destroy();
      return open.length > SLOW_CONNECTIONS / 2 ? 'taken' : 'turned away';
    },
  },
];

/** @param known paths of a live stream's playlists and media, asked for at each strike */
export const playbackAttacks = (playback: Target, known: () => readonly string[]): Attack[] =>
  attacksOn('playback', playback, (random) => playbackRequest(random, known()));

export const apiAttacks = (api: Target, streamId: string, authorization: string): Attack[] =>
  attacksOn('api', api, (random) => apiRequest(random, streamId, authorization));
