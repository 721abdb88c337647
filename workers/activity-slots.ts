export interface HostLimits {
  maxBroadcasts: number;
  maxRestreams: number;
}

/** The encoder, the wait for its picture, the encoder being replaced, and a question for its publisher. */
const PER_BROADCAST = 4;
/** The connection, and the wait until it is live. */
const PER_RESTREAM = 2;
/** Short commands (stop, finish, disconnect, delete), and activities beyond a limit for the moment in which they are refused. */
const COMMANDS = 60;

/**
 * How many activities run at once. All but commands only wait, so slots cost nothing; what they wait for is bounded: the ingest
 * takes no more broadcasts than the limit, and a restream beyond its own is refused at once. A cancelled activity keeps its
 * slot until its next heartbeat, within which each limit can be used once more by those that follow. So commands always find
 * a slot.
 */
export const activitySlots = ({ maxBroadcasts, maxRestreams }: HostLimits): number =>
  2 * (PER_BROADCAST * maxBroadcasts + PER_RESTREAM * maxRestreams) + COMMANDS;
