import type { StreamEvent } from '../domain/event.js';
import type { StreamStatus } from '../domain/stream.js';
import type { RunJson } from '../launcher/run-json.js';

export interface DrillStream {
  id: string;
  status: StreamStatus;
  broadcastId: string | null;
  streamKey: string;
  ingest: { rtmp: string };
  playback: { hls: string; player: string };
}

export interface Answer<T> {
  /** 0: no answer at all (the API is away). */
  status: number;
  body: T | null;
  /** Milliseconds until the whole answer was there. */
  tookMs: number;
}

/** Longer than any answer may take, so that one that is too late is seen as such. */
const GIVE_UP_MS = 20_000;
const PAGE = 100;

/** The API as an application calls it. Never throws for an API that is away. */
export class DrillApi {
  readonly #base: string;
  readonly #authorization: string;

  constructor({ api, apiKey, apiSecret }: RunJson) {
    this.#base = api;
    this.#authorization = `Basic ${Buffer.from(`${apiKey}:${apiSecret}`).toString('base64')}`;
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const begin = performance.now();
    const answer = (status: number, json: T | null): Answer<T> => ({ status, body: json, tookMs: performance.now() - begin });
    try {
      const response = await fetch(`${this.#base}/v1${path}`, {
        method,
        headers: { authorization: this.#authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(GIVE_UP_MS),
      });
      const text = await response.text();
      return answer(response.status, text ? (JSON.parse(text) as T) : null);
    } catch {
      return answer(0, null);
    }
  }

  async createStream(body: Record<string, unknown>): Promise<DrillStream> {
    const { status, body: stream } = await this.call<DrillStream>('POST', '/streams', body);
    if (status !== 201 || !stream) throw new Error(`The API answered ${status} to a new stream: ${JSON.stringify(stream)}`);
    return stream;
  }

  async stream(id: string): Promise<DrillStream | null> {
    const { status, body } = await this.call<DrillStream>('GET', `/streams/${id}`);
    return status === 200 ? body : null;
  }

  /** The whole timeline. */
  async events(id: string): Promise<StreamEvent[]> {
    const events: StreamEvent[] = [];
    for (;;) {
      const after = events.at(-1)?.sequence ?? 0;
      const { status, body } = await this.call<{ data: StreamEvent[] }>('GET', `/streams/${id}/events?after=${after}&limit=${PAGE}`);
      if (status !== 200 || !body) throw new Error(`The API answered ${status} to the timeline`);
      events.push(...body.data);
      if (body.data.length < PAGE) return events;
    }
  }
}
