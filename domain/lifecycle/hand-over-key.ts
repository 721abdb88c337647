import type { HandOver } from './life.js';

/** Names a hand-over; the same again is the same. */
export const handOverKey = (handOver: HandOver): string => {
  const { kind, broadcastId, hostId } = handOver;
  return kind === 'delete'
    ? `delete/${broadcastId}/${hostId}`
    : `leave/${broadcastId}/${hostId}/${handOver.finish ? 'end' : handOver.epoch}`;
};
