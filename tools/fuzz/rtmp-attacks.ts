import { setTimeout as delay } from 'node:timers/promises';
import { type Attack, Finding } from './attack.js';
import { mutate } from './mutate.js';
import { closedWithin, drip, openSocket, type Target } from './raw-socket.js';
import { HANDSHAKE_BYTES, type RtmpSession, withoutKey } from './rtmp-session.js';

/** The ingest gives a connection 10 s to shake hands and 10 s to publish, and some to be noticed. */
const LONGEST_STAY_MS = 25_000;
/** Hostile encoders mostly leave by themselves. */
const LEAVES_AFTER_MS = 300;
const MOST_GARBAGE = 20_000;
const IDLE_CONNECTIONS = 40;
const HOLD_MS = 1500;
const DRIP_MS = 100;
/** A stream that gets a broken publish each second keeps its workflow busy without filling the machine with encoders. */
const BETWEEN_PUBLISHES_MS = 1000;

export interface RtmpTarget {
  rtmp: Target;
  session: RtmpSession;
  streamKey: string;
}

/** What an ingest meets on the open internet, and worse. */
export function rtmpAttacks({ rtmp, session, streamKey }: RtmpTarget): Attack[] {
  const stranger = withoutKey(session, streamKey);
  return [
    {
      name: 'rtmp: damaged session, unknown key',
      async strike(random) {
        const head = random.chance(0.2) ? 0 : HANDSHAKE_BYTES;
        const { bytes, mediaFrom } = stranger;
        return say(rtmp, Buffer.concat([bytes.subarray(0, head), mutate(bytes.subarray(head, mediaFrom + random.below(4000)), random)]));
      },
    },
    {
      name: 'rtmp: damaged media, valid key',
      async strike(random) {
        const { bytes, mediaFrom } = session;
        const outcome = await say(rtmp, Buffer.concat([bytes.subarray(0, mediaFrom), mutate(bytes.subarray(mediaFrom), random)]));
        await delay(BETWEEN_PUBLISHES_MS);
        return outcome;
      },
    },
    {
      name: 'rtmp: noise',
      strike: async (random) => {
        const noise = random.bytes(1 + random.below(MOST_GARBAGE));
        if (random.chance(0.5)) return say(rtmp, Buffer.concat([Buffer.from([3]), noise]));
        return say(rtmp, Buffer.concat([stranger.bytes.subarray(0, HANDSHAKE_BYTES), noise]));
      },
    },
    {
      name: 'rtmp: idle and dripping connections',
      async strike(random) {
        const sockets = await Promise.all(Array.from({ length: IDLE_CONNECTIONS }, () => openSocket(rtmp)));
        const open = sockets.filter((socket) => socket !== null);
        await Promise.all(open.map((socket) => drip(socket, stranger.bytes.subarray(0, random.below(HANDSHAKE_BYTES)), DRIP_MS, HOLD_MS)));
        for (const socket of open) socket.destroy();
        return `${open.length > IDLE_CONNECTIONS / 2 ? 'taken' : 'turned away'}`;
      },
    },
    {
      name: 'rtmp: a connection that never goes on',
      async strike(random) {
        const socket = await openSocket(rtmp);
        if (!socket) return 'turned away';
        socket.write(stranger.bytes.subarray(0, random.below(HANDSHAKE_BYTES + 200)));
        if (await closedWithin(socket, LONGEST_STAY_MS)) return 'closed in time';
        socket.destroy();
        throw new Finding(`still open after ${LONGEST_STAY_MS} ms`);
      },
    },
  ];
}

async function say(rtmp: Target, bytes: Buffer): Promise<string> {
  const socket = await openSocket(rtmp);
  if (!socket) return 'turned away';
  socket.write(bytes);
  const closed = await closedWithin(socket, LEAVES_AFTER_MS);
  socket.destroy();
  return closed ? 'closed' : 'left';
}
