import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { PublisherStatus } from '../../domain/contracts/ingest-control.js';
import type { TranscodeInput } from '../../domain/contracts/transcode.js';
import type { SourceGop } from '../../domain/passthrough.js';
import type { PassthroughMode } from '../../domain/stream.js';
import type { IngestClient } from '../../media/control-client.js';
import { planOf } from '../../media/encoder/encoder-plan.js';

const WHOLE: SourceGop = { frames: 60, seconds: 2, openSeconds: 0.1, bitrate: 3_000_000, obstacle: null };
const OPEN: SourceGop = { frames: 0, seconds: 0, openSeconds: 1, bitrate: 0, obstacle: null };

/** The plan of an encoder whose ingest gives these answers in turn, the last again and again. */
async function planned(answers: (SourceGop | Error | null)[], { mode, epoch = 1 }: { mode: PassthroughMode | undefined; epoch?: number }) {
  let asked = 0;
  const ingest = {
    publisher: async () => {
      const answer = answers[Math.min(asked++, answers.length - 1)]!;
      if (answer instanceof Error) throw answer;
      return { gop: answer } as PublisherStatus;
    },
  } as unknown as IngestClient;
  const settings = { ladder: null, ...(mode ? { passthrough: mode } : {}) };
  const source = { video: { codec: 'h264', width: 1280, height: 720, frameRate: 30 }, audio: null };
  const input = { settings, source, epoch, publishId: 'pub', broadcastId: 'brd' } as unknown as TranscodeInput;
  const deps = { ingest, log: pino({ level: 'silent' }) };
  const plan = await planOf(deps, input, new AbortController().signal);
  return { asked, copied: plan.renditions.filter((rendition) => rendition.kind === 'video' && rendition.copied).map(({ id }) => id) };
}

describe('the plan of an encoder', () => {
  it('copies the source as soon as its first GOP is whole', async () => {
    expect(await planned([null, OPEN, OPEN, WHOLE], { mode: 'auto' })).toEqual({ asked: 4, copied: ['720p'] });
  });

  it('encodes a source that cannot be copied, without waiting any longer', async () => {
    expect(await planned([OPEN, { ...OPEN, obstacle: 'open_gop' }, WHOLE], { mode: 'auto' })).toEqual({ asked: 2, copied: [] });
  });

  it.each<[string, { mode: PassthroughMode | undefined; epoch?: number }]>([
    ['where it is switched off', { mode: 'never' }],
    ['in a broadcast that is older than the setting', { mode: undefined }],
    ['for every encoder but the first of a broadcast', { mode: 'auto', epoch: 2 }],
  ])('does not ask %s', async (_name, how) => {
    expect(await planned([WHOLE], how)).toEqual({ asked: 0, copied: [] });
  });

  it('goes on asking an ingest that does not answer', async () => {
    expect(await planned([new Error('away'), WHOLE], { mode: 'auto' })).toEqual({ asked: 2, copied: ['720p'] });
  });
});
