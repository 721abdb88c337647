import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SourceLayout } from '../../domain/source.js';
import { createControlAccess } from '../../platform/auth/control-access.js';
import { createIngestClient } from '../../media/control-client.js';
import { ensureSlate } from '../../media/slate/slate.js';
import { slateLayoutOf, slateName } from '../../media/slate/slate-layout.js';
import { probe } from '../support/probe.js';
import { ffmpegPath } from '../support/toolchain.js';

const VIDEO: SourceLayout['video'] = { codec: 'h264', width: 426, height: 240, frameRate: 30 };
const AUDIO: SourceLayout['audio'] = { codec: 'aac', sampleRate: 48000, channels: 2 };
const MONO: SourceLayout['audio'] = { codec: 'aac', sampleRate: 44100, channels: 1 };

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'holdfast-slates-'));
});
afterEach(async () => rm(dir, { recursive: true }));

const slateOf = (source: SourceLayout): Promise<string | null> => ensureSlate({ dir, ffmpegPath: ffmpegPath(), source });

describe('the name of a slate', () => {
  it.each<[string, SourceLayout, string | null]>([
    ['holds picture and sound', { video: VIDEO, audio: AUDIO }, 'h264-426x240-30-aac-48000-2'],
    ['holds NTSC rates', { video: { ...VIDEO, frameRate: 30000 / 1001 }, audio: null }, 'h264-426x240-29.97'],
    ['leaves out the odd line', { video: { ...VIDEO, width: 853, height: 479 }, audio: null }, 'h264-852x478-30'],
    ['holds HEVC', { video: { ...VIDEO, codec: 'hevc' }, audio: null }, 'hevc-426x240-30'],
    ['holds sound alone', { video: null, audio: MONO }, 'aac-44100-1'],
    ['is none for AV1', { video: { ...VIDEO, codec: 'av1' }, audio: AUDIO }, null],
    ['is none for Opus', { video: VIDEO, audio: { ...AUDIO, codec: 'opus' } }, null],
    ['is none for sampling rates AAC has not', { video: VIDEO, audio: { ...AUDIO, sampleRate: 192_000 } }, null],
    ['is none for seven channels', { video: VIDEO, audio: { ...AUDIO, channels: 7 } }, null],
    ['is none for nothing', { video: null, audio: null }, null],
  ])('%s', (_name, source, expected) => {
    const layout = slateLayoutOf(source);
    expect(layout && slateName(layout)).toBe(expected);
  });

  it('is what the address of a programme takes', () => {
    const access = createControlAccess(randomBytes(32));
    const { programmeUrl } = createIngestClient('http://127.0.0.1:1', access);
    const signed = (target: string): string => `http://127.0.0.1:1${access.sign(target)}`;
    expect(programmeUrl('str_1', null, 'dst_1')).toBe(signed('/programme/str_1.flv?slate=none&reader=dst_1'));
    expect(programmeUrl('str_1', 'aac-44100-1')).toBe(signed('/programme/str_1.flv?slate=aac-44100-1'));
    expect(programmeUrl('str_1', null)).toBe(signed('/programme/str_1.flv?slate=none'));
  });
});

describe('a slate', () => {
  it.each<[string, SourceLayout, Record<string, unknown> | null, Record<string, unknown> | null]>([
    [
      'picture and sound',
      { video: VIDEO, audio: AUDIO },
      { codec_name: 'h264', profile: 'High', width: 426, height: 240, avg_frame_rate: '30/1', has_b_frames: 0 },
      { codec_name: 'aac', sample_rate: '48000', channels: 2 },
    ],
    [
      'a portrait at 29.97 frames a second',
      { video: { ...VIDEO, width: 240, height: 426, frameRate: 29.97 }, audio: null },
      { codec_name: 'h264', width: 240, height: 426, sample_aspect_ratio: '1:1' },
      null,
    ],
    ['HEVC', { video: { ...VIDEO, codec: 'hevc' }, audio: null }, { codec_name: 'hevc', width: 426 }, null],
    ['5.1 sound alone', { video: null, audio: { ...AUDIO, channels: 6 } }, null, { codec_name: 'aac', channels: 6 }],
    ['44.1 kHz mono', { video: null, audio: MONO }, null, { sample_rate: '44100', channels: 1 }],
  ])('of %s is as its source, four seconds of two groups of pictures', async (_name, source, video, audio) => {
    const name = await slateOf(source);
    const path = join(dir, `${name}.flv`);
    const { streams, packets } = await probe(path);
    const messages = packets.filter(({ codec_type: type }) => type === 'video');
    // ffprobe takes the colour information before HEVC's first picture for a packet.
    const pictures = messages.slice(
      Math.max(
        0,
        messages.findIndex(({ flags }) => flags.startsWith('K')),
      ),
    );
    const described = (kind: string): unknown => streams.find(({ codec_type: type }) => type === kind) ?? null;
    expect(described('video')).toEqual(video && expect.objectContaining(video));
    expect(described('audio')).toEqual(audio && expect.objectContaining(audio));
    expect(pictures).toHaveLength(source.video ? 4 * 30 : 0);
    const keyframes = pictures.flatMap(({ flags }, index) => (flags.startsWith('K') ? [index] : []));
    expect(keyframes).toEqual(source.video ? [0, 60] : []);
    expect((await stat(path)).size).toBeLessThan(200_000);
  });

  it('is made once for callers that come together, and then kept', async () => {
    const names = await Promise.all([1, 2, 3].map(() => slateOf({ video: VIDEO, audio: AUDIO })));
    expect(names).toEqual(Array(3).fill('h264-426x240-30-aac-48000-2'));
    expect(await readdir(dir)).toEqual([`${names[0]}.flv`]);
    const path = join(dir, `${names[0]}.flv`);
    await writeFile(path, 'kept');
    await slateOf({ video: VIDEO, audio: AUDIO });
    expect(await readFile(path, 'utf8')).toBe('kept');
  });

  it('that cannot be made says why, leaves nothing, and may be tried again', async () => {
    const source = { video: VIDEO, audio: null };
    const failing = ensureSlate({ dir, ffmpegPath: '/bin/false', source });
    await expect(failing).rejects.toMatchObject({ code: 'encoder_failed' });
    expect(await readdir(dir)).toEqual([]);
    expect(await slateOf(source)).toBe('h264-426x240-30');
  });
});
