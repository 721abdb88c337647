import { describe, expect, it } from 'vitest';
import { readArguments as readBenchArguments } from '../../tools/bench/arguments.js';
import { readArguments as readDrillArguments } from '../../tools/drill/arguments.js';
import { flag, numberAbove0, readOptions, wholeNumber, words } from '../../tools/options.js';

const OPTIONS = { h2: flag, runs: wholeNumber(1, 3), minutes: numberAbove0(10), parts: words(['0.2']), seed: wholeNumber(0, null) };

describe('the options of a command', () => {
  it('are what they are by default when nothing is typed', () => {
    expect(readOptions([], OPTIONS)).toEqual({ h2: false, runs: 3, minutes: 10, parts: ['0.2'], seed: null });
  });

  it('are read with a space or an equals sign before the value', () => {
    const values = { h2: true, runs: 5, minutes: 0.5, parts: ['1', '2'], seed: 0 };
    expect(readOptions(['--h2', '--runs', '5', '--minutes', '0.5', '--parts', '1,2', '--seed', '0'], OPTIONS)).toEqual(values);
    expect(readOptions(['--h2', '--runs=5', '--minutes=0.5', '--parts=1,2', '--seed=0'], OPTIONS)).toEqual(values);
  });

  it.each([
    [['--runs', '0'], '--runs takes a whole number from 1'],
    [['--runs', '1.5'], '--runs takes a whole number from 1'],
    [['--runs='], '--runs takes a whole number from 1'],
    [['--minutes', 'many'], '--minutes takes a number above 0'],
    [['--parts', ','], '--parts takes one word or more, with commas between them'],
    [['--rnus', '2'], "Unknown option '--rnus'"],
    [['--runs'], "Option '--runs <value>' argument missing"],
    [['more'], "Unexpected argument 'more'"],
  ])('%j: %s', (args, message) => {
    expect(() => readOptions(args, OPTIONS)).toThrow(message);
  });
});

describe('the drill', () => {
  it('takes names of faults, and no empty list of them', () => {
    expect(readDrillArguments(['--only', 'kill-api,kill-ingest', '--short'])).toEqual({
      only: ['kill-api', 'kill-ingest'],
      short: true,
      cycles: 200,
    });
    expect(() => readDrillArguments(['--only='])).toThrow('--only takes one word or more');
    expect(() => readDrillArguments(['--cycles', 'x'])).toThrow('--cycles takes a whole number from 1');
  });
});

describe('a bench', () => {
  it('has defaults of its own', () => {
    expect(readBenchArguments(['latency', '--runs', '2'])).toEqual({ name: 'latency', seconds: 60, runs: 2, parts: ['0.333', '0.2'] });
    expect(readBenchArguments(['viewers', '--h2'])).toMatchObject({ name: 'viewers', seconds: 30, processes: 0, h2: true });
  });

  it.each([
    [[], 'Which bench?'],
    [['toString'], 'There is no bench toString'],
    [['soak', '--runs', '2'], "Unknown option '--runs'"],
  ])('%j: %s', (args, message) => {
    expect(() => readBenchArguments(args)).toThrow(message);
  });
});
