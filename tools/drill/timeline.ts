import type { StreamEvent } from '../../domain/event.js';

/** What a complete and ordered timeline never shows; empty when it is one. */
export function timelineProblems(events: readonly StreamEvent[]): string[] {
  const problems: string[] = [];
  const ids = new Set<string>();
  let away = false;
  let before: StreamEvent | null = null;
  for (const event of events) {
    const expected = (before?.sequence ?? 0) + 1;
    if (event.sequence !== expected) problems.push(`event ${event.sequence} where ${expected} was due`);
    if (ids.has(event.id)) problems.push(`event ${event.id} twice`);
    if (before && event.occurredAt < before.occurredAt) problems.push(`event ${event.sequence} is older than the one before it`);
    if (event.type === 'stream.reconnecting') {
      if (away) problems.push(`event ${event.sequence}: reconnecting twice`);
      away = true;
    }
    if (event.type === 'stream.reconnected') {
      if (!away) problems.push(`event ${event.sequence}: reconnected without having been away`);
      away = false;
    }
    ids.add(event.id);
    before = event;
  }
  return problems;
}
