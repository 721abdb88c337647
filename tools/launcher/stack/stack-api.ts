import type { StreamEvent } from '../../../domain/event.js';
import type { StreamStatus } from '../../../domain/stream.js';
import type { RunJson } from '../output/run-json.js';

export interface StackStream {
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

/** Where an encoder publishes it. */
export const publishUrl = ({ ingest, streamKey }: Pick<StackStream, 'ingest' | 'streamKey'>): string => `${ingest.rtmp}/${streamKey}`;

/** Longer than any answer may take, so that one that is too late is seen as such. */
const GIVE_UP_MS = 20_000;
const PAGE = 100;

/** The API of a running stack, as an application calls it. */
export class StackApi {
  readonly #base: string;
  /** Header for requests that do not go through here. */
  readonly authorization: string;

  constructor({ api, apiKey, apiSecret }: RunJson) {
    this.#base = api;
    this.authorization = `Basic ${Buffer.from(`${apiKey}:${apiSecret}`).toString('base64')}`;
  }

  /** Never throws for an API that is away. */
  async call<T>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const begin = performance.now();
    const answer = (status: number, json: T | null): Answer<T> => ({ status, body: json, tookMs: performance.now() - begin });
    try {
      const response = await fetch(`${this.#base}/v1${path}`, {
        method,
        headers: { authorization: this.authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(GIVE_UP_MS),
      });
      const text = await response.text();
      return answer(response.status, text ? (JSON.parse(text) as T) : null);
    } catch {
      return answer(0, null);
    }
  }

  /** For calls that must succeed. @throws with the API's own words when one does not */
  async ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const { status, body: answer } = await this.call<T>(method, path, body);
    if (status === 0) throw new Error(`The API did not answer ${method} ${path}`);
    if (status < 200 || status >= 300) throw new Error(`The API answered ${status} to ${method} ${path}: ${JSON.stringify(answer)}`);
    return answer as T;
  }

  createStream(body: Record<string, unknown>): Promise<StackStream> {
    return this.ask('POST', '/streams', body);
  }

  endStream(id: string): Promise<StackStream> {
    return this.ask('POST', `/streams/${id}/end`);
  }

  async stream(id: string): Promise<StackStream | null> {
    const { status, body } = await this.call<StackStream>('GET', `/streams/${id}`);
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
