import type { StreamEvent } from '../../domain/event.js';
import type { RunJson } from '../../tools/launcher/output/run-json.js';

export interface StreamView {
  id: string;
  status: string;
  streamKey: string;
  broadcastId: string | null;
  ingest: { rtmp: string };
  playback: { id: string; hls: string; player: string };
}

export interface Answer<T> {
  status: number;
  body: T;
}

/** The API as an application calls it, with the key and secret of run.json. */
export class ApiClient {
  readonly #run: RunJson;

  constructor(run: RunJson) {
    this.#run = run;
  }

  async call<T = StreamView>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer<T>> {
    const response = await fetch(`${this.#run.api}${path}`, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from(`${this.#run.apiKey}:${this.#run.apiSecret}`).toString('base64')}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: (text ? JSON.parse(text) : null) as T };
  }

  async create(body: Record<string, unknown> = {}): Promise<StreamView & { publishUrl: string }> {
    const { status, body: stream } = await this.call('POST', '/v1/streams', body);
    if (status !== 201) throw new Error(`create answered ${status}: ${JSON.stringify(stream)}`);
    return { ...stream, publishUrl: `${stream.ingest.rtmp}/${stream.streamKey}` };
  }

  async stream(id: string): Promise<StreamView> {
    return (await this.call('GET', `/v1/streams/${id}`)).body;
  }

  async end(id: string): Promise<Answer<StreamView>> {
    return this.call('POST', `/v1/streams/${id}/end`);
  }

  async events(id: string): Promise<StreamEvent[]> {
    return (await this.call<{ data: StreamEvent[] }>('GET', `/v1/streams/${id}/events?limit=100`)).body.data;
  }
}
