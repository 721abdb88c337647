import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiRoutes } from '../../api/routes/index.js';
import { startApi } from './support.js';
import { createApiBench, type ApiBench } from './support.js';

let bench: ApiBench;
/* eslint-disable @typescript-eslint/no-explicit-any -- a JSON document as it comes */
let document: any;
beforeAll(async () => {
  bench = await createApiBench();
  document = (await bench.call('GET', '/openapi.json', { authorization: null })).body;
});
afterAll(() => bench.close());

const operations = (): { method: string; path: string; operation: any }[] =>
  Object.entries<Record<string, any>>(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method, path, operation })),
  );

/** Every `$ref` anywhere below. */
const references = (value: unknown): string[] => {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === '$ref' ? [String(inner)] : references(inner)));
};

describe('the OpenAPI document', () => {
  it('is OpenAPI 3.1 whose references all lead somewhere', () => {
    expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'Holdfast', version: expect.any(String) } });
    const found = references(document);
    expect(found.length).toBeGreaterThan(0);
    for (const reference of found) {
      const target = reference
        .replace('#/', '')
        .split('/')
        .reduce((node: any, key) => node?.[key], document);
      expect(target, reference).toBeDefined();
    }
  });

  it('has every call the API answers, and no other', async () => {
    const api = await startApi({ db: bench.db, secrets: bench.secrets, temporalAddress: '127.0.0.1:1' });
    const served = apiRoutes(api.deps).map(({ method, path }) => `${method} ${path}`);
    await api.stop();
    expect(
      operations()
        .map(({ method, path }) => `${method} ${path}`)
        .sort(),
    ).toEqual(served.sort());
    for (const { method, path } of operations()) {
      const reply = await bench.call(method.toUpperCase(), path.replace(/\{\w+\}/g, 'x'), { authorization: null });
      expect(reply.status, `${method} ${path}`).toBe(401);
    }
  });

  it('describes each call fully: unique operationId, its path parameters, a success, and problems', () => {
    const ids = operations().map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { method, path, operation } of operations()) {
      const inPath = (operation.parameters ?? []).filter((parameter: any) => parameter.in === 'path');
      const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      expect(
        inPath.map((parameter: any) => parameter.name),
        path,
      ).toEqual(named);
      const statuses = Object.keys(operation.responses);
      expect(
        statuses.some((status) => status.startsWith('2')),
        path,
      ).toBe(true);
      expect(statuses, path).toEqual(expect.arrayContaining(['400', '401', '403', '429', '500', '503']));
      if (method === 'post') expect(statuses, path).toEqual(expect.arrayContaining(['409', '422']));
    }
  });

  it('says what a body may hold, and that it may hold nothing else', () => {
    const { CreateStream } = document.components.schemas;
    expect(CreateStream.additionalProperties).toBe(false);
    expect(Object.keys(CreateStream.properties).sort()).toEqual([
      'destinations',
      'ladder',
      'latency',
      'maxDurationSeconds',
      'metadata',
      'name',
      'passthrough',
      'playbackPolicy',
      'reconnectWindowSeconds',
      'record',
      'reusable',
    ]);
    expect(CreateStream.required ?? []).toEqual([]);
    expect(CreateStream.properties.record).toMatchObject({ type: 'boolean', default: false });
  });

  it('shows the fields that are answered', async () => {
    const stream = await bench.createStream();
    expect(Object.keys(document.components.schemas.Stream.properties)).toEqual(expect.arrayContaining(Object.keys(stream)));
  });
});

describe('the pages', () => {
  it.each(['/', '/docs'])('%s is HTML that loads nothing from elsewhere', async (path) => {
    const page = await bench.call('GET', path, { authorization: null });
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none';script-src 'self'/);
    const loaded = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1]!);
    for (const address of loaded) {
      expect(address).toMatch(/^\//);
      expect((await bench.call('GET', address, { authorization: null })).status, address).not.toBe(404);
    }
  });

  it('metrics count requests by route and status', async () => {
    await bench.call('GET', '/v1/streams');
    const { text } = await bench.call('GET', '/metrics', { authorization: null });
    expect(text).toMatch(/holdfast_http_request_duration_seconds_count\{[^}]*route="\/v1\/streams"[^}]*status="200"[^}]*\} \d+/);
    expect(text).toMatch(/process="api"/);
  });
});
