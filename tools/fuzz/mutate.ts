import type { Random } from './random.js';

/** Where parsers count, add and allocate wrongly. */
const EXTREMES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0xffffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
const MOST_MUTATIONS = 6;
const LONGEST_INSERT = 64;
const WORD_BYTES = 4;

type Mutation = (bytes: Buffer, random: Random) => Buffer;

const MUTATIONS: readonly Mutation[] = [
  (bytes, random) => {
    const changed = Buffer.from(bytes);
    const at = random.below(bytes.length);
    changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8));
    return changed;
  },
  (bytes, random) => {
    const changed = Buffer.from(bytes);
    if (bytes.length >= WORD_BYTES) changed.writeUInt32BE(random.pick(EXTREMES), random.below(bytes.length - WORD_BYTES + 1));
    return changed;
  },
  (bytes, random) => {
    const at = random.below(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), random.bytes(1 + random.below(LONGEST_INSERT)), bytes.subarray(at)]);
  },
  (bytes, random) => {
    const from = random.below(bytes.length);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + 1 + random.below(LONGEST_INSERT))]);
  },
  (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
  (bytes, random) => {
    const from = random.below(bytes.length);
    const to = from + random.below(bytes.length - from);
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
  },
];

/** The bytes with one to six small damages: flipped bits, extreme numbers, insertions, holes, a cut, a repetition. */
export function mutate(bytes: Buffer, random: Random): Buffer {
  let mutated = bytes;
  for (let count = 1 + random.below(MOST_MUTATIONS); count > 0 && mutated.length > 0; count -= 1) {
    mutated = random.pick(MUTATIONS)(mutated, random);
  }
  return mutated;
}
