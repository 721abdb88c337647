import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { statusOf, type StreamLife } from '../domain/lifecycle/life.js';
import { HOST_ID_ATTRIBUTE, STREAM_STATUS_ATTRIBUTE } from '../platform/temporal/search-attributes.js';

/** Events shown to operators in the Temporal UI. */
const SHOWN_EVENTS = 12;

/** What an operator sees of a stream in the Temporal UI: searchable status and host, and its present details. */
export class OperatorView {
  #attributes = '';

  show(life: StreamLife): void {
    const status = statusOf(life);
    const hostId = life.broadcast?.hostId ?? null;
    // Each upsert is an event of the history.
    const attributes = `${status} ${hostId}`;
    if (attributes !== this.#attributes) {
      this.#attributes = attributes;
      upsertSearchAttributes([
        { key: STREAM_STATUS_ATTRIBUTE, value: status },
        { key: HOST_ID_ATTRIBUTE, value: hostId },
      ]);
    }
    setCurrentDetails(detailsOf(life));
  }
}

function detailsOf(life: StreamLife): string {
  const { broadcast, publisher, recent } = life;
  const encoder = broadcast?.encoder;
  const what = encoder?.stopping ? ', stopping' : encoder?.playable ? '' : ', no picture yet';
  return [
    `**${statusOf(life)}**${life.disabled ? ' (disabled)' : ''}`,
    `- broadcast: ${broadcast?.broadcastId ?? 'none'}`,
    `- media host: ${broadcast?.hostId ?? 'none'}`,
    `- publisher: ${publisher ? `${publisher.remoteAddress}, publish ${publisher.publishSeq}` : 'none'}`,
    `- encoder: ${encoder ? `epoch ${encoder.order.epoch}${encoder.order.programme ? ', with the slate' : ''}${what}` : 'none'}`,
    ...(broadcast?.ending ? [`- ending (${broadcast.ending.cause}): ${broadcast.ending.step}`] : []),
    ...(broadcast?.doubt ? ['- its host is asked whether the publisher is still there'] : []),
    '',
    'Last events:',
    '',
    ...recent.slice(-SHOWN_EVENTS).map(({ sequence, occurredAt, type, cause, data }) => {
      const about = [cause, data.name].filter((word) => typeof word === 'string').join(' ');
      return `- ${sequence}: ${occurredAt} **${type}** ${about}`;
    }),
  ].join('\n');
}
