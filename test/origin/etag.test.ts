import { describe, expect, test } from 'vitest';
import { isUnchanged } from '../../origin/http/request-fields.js';
import { RenderedPlaylist } from '../../origin/rendered-playlist.js';
import { AUDIO, encode, exited, SERVED_BY, TestOrigin } from './support.js';

describe('an ETag', () => {
  /** Two broadcasts of one stream with as many lines in their journals. */
  async function twoAlike(
    test: TestOrigin,
    body: (etagOf: (gzip: boolean) => Promise<string>, second: () => Promise<void>) => Promise<void>,
  ) {
    const list = [AUDIO];
    const broadcast = async (id: string): Promise<void> => {
      await test.open(id, { playbackId: 'same' });
      await exited(encode({ sockets: await test.startEncode(id, 1, list), renditions: list, seconds: 3 }));
      await test.control('POST', `/broadcasts/${id}/end`);
    };
    await broadcast('first');
    const etagOf = async (gzip: boolean): Promise<string> => {
      const answer = await fetch(`${test.playback}/same/index.m3u8`, { headers: { 'accept-encoding': gzip ? 'gzip' : 'identity' } });
      return answer.headers.get('etag')!;
    };
    await body(etagOf, () => broadcast('second'));
  }

  test.each(SERVED_BY)('names the broadcast: what %s said of one is never true of the next', async (_name, viewerProcess) => {
    const own = await TestOrigin.start({ viewerProcess });
    try {
      await twoAlike(own, async (etagOf, second) => {
        const before = [await etagOf(true), await etagOf(false)];
        expect(before[0]).toMatch(/^"first-[\w-]+-gzip"$/);
        expect(before[1]).toMatch(/^"first-[\w-]+"$/);
        await second();
        const after = [await etagOf(true), await etagOf(false)];
        expect(new Set([...before, ...after]).size).toBe(4);
        for (const etag of before) {
          const headers = { 'if-none-match': etag, 'accept-encoding': etag.endsWith('-gzip"') ? 'gzip' : 'identity' };
          expect((await fetch(`${own.playback}/same/index.m3u8`, { headers })).status).toBe(200);
        }
      });
    } finally {
      await own.close();
    }
  });

  test('says what is in a playlist: after a restart the same is the same, and less is another', () => {
    const etags = ['#EXTM3U\n0.m4s\n', '#EXTM3U\n0.m4s\n', '#EXTM3U\n'].map(
      (text, version) => new RenderedPlaylist('b', version, text).etag,
    );
    expect(etags[0]).toBe(etags[1]);
    expect(etags[0]).not.toBe(etags[2]);
  });

  test.each<[string | undefined, boolean]>([
    ['"a"', true],
    ['W/"a"', true],
    ['"x", W/"a"', true],
    ['*', true],
    ['"b"', false],
    ['a', false],
    [undefined, false],
  ])('of If-None-Match: %s', (header, expected) => expect(isUnchanged(header, '"a"')).toBe(expected));
});
