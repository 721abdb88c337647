import { flag, type Option, OptionError, type OptionValues, readOptions, wholeNumber, words } from '../options.js';

export const USAGE = `npm run bench -- ladder [--seconds 60] [--runs 1] [--passthrough]
npm run bench -- latency [--seconds 60] [--runs 5] [--parts 0.333,0.2]
npm run bench -- peers [--seconds 30] [--runs 5] [--parts 0.2]
npm run bench -- soak [--minutes 30] [--parts 0.333]
npm run bench -- switching [--seconds 60] [--runs 2] [--parts 0.333]
npm run bench -- restream [--seconds 60] [--runs 1]
npm run bench -- viewers [--seconds 30] [--viewers 600] [--held 5000] [--parts 0.2] [--held-parts 0.333] [--processes 2] [--h2]
npm run bench -- conformance [--minutes 10] [--passthrough]

  ladder   CPU seconds of the media host for a 720p30 stream with three rungs, against bare ffmpeg making the same;
           with --passthrough the same stream once more, its largest rung copied
  latency  publish to first picture, and glass to glass by a clock in the pixels, in Chromium (CHROMIUM names it)
  peers    the same beside nginx-rtmp (Debian's) and MediaMTX (MEDIAMTX_BIN names it), with ratios
  soak     the same picture watched for long: stalls, drift of the distance from the encoder, memory of the origin
  switching  renditions a player takes when its network becomes slow and fast again, and its stalls
  restream CPU seconds of one copying restream at 3 Mbit/s, against bare ffmpeg -c copy
  viewers  CPU of the origin per viewer-second and lateness of parts; publish to received of held playlist requests;
           with --h2 the first of these over HTTP/2 and TLS; with --processes from so many viewer processes
  conformance  every playlist followed by a checker that remembers, and by hls-parser in strict mode, through an encoder
           that is killed and a publisher that is away; fails with what it finds; --passthrough: of a copied source`;

/** What each bench takes, with what it is otherwise: enough for a figure that stays the same when it is taken again. */
const OPTIONS = {
  ladder: { seconds: wholeNumber(1, 60), runs: wholeNumber(1, 1), passthrough: flag },
  // The default and the fastest profile.
  latency: { seconds: wholeNumber(1, 60), runs: wholeNumber(1, 5), parts: words(['0.333', '0.2']) },
  peers: { seconds: wholeNumber(1, 30), runs: wholeNumber(1, 5), parts: words(['0.2']) },
  soak: { minutes: wholeNumber(1, 30), parts: words(['0.333']) },
  switching: { seconds: wholeNumber(1, 60), runs: wholeNumber(1, 2), parts: words(['0.333']) },
  restream: { seconds: wholeNumber(1, 60), runs: wholeNumber(1, 1) },
  viewers: {
    seconds: wholeNumber(1, 30),
    viewers: wholeNumber(1, 600),
    held: wholeNumber(1, 5000),
    parts: words(['0.2']),
    'held-parts': words(['0.333']),
    processes: wholeNumber(1, 0),
    h2: flag,
  },
  conformance: { minutes: wholeNumber(1, 10), passthrough: flag },
} satisfies Record<string, Record<string, Option<unknown>>>;

export type BenchName = keyof typeof OPTIONS;
export type BenchArguments = { [Name in BenchName]: { name: Name } & OptionValues<(typeof OPTIONS)[Name]> }[BenchName];

const isBench = (name: string | undefined): name is BenchName => name !== undefined && Object.hasOwn(OPTIONS, name);

/**
 * @param args the bench's name and its options
 * @throws OptionError for a bench there is not, and for what that bench does not take
 */
export function readArguments([name, ...args]: readonly string[]): BenchArguments {
  if (!isBench(name)) throw new OptionError(name === undefined ? 'Which bench?' : `There is no bench ${name}`);
  return { name, ...readOptions(args, OPTIONS[name]) } as BenchArguments;
}
