import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonLine, parseLogLine, terminalLine } from '../../../tools/launcher/output/log-lines.js';
import { createLogOutput } from '../../../tools/launcher/output/log-output.js';
import { RotatingFile } from '../../../tools/launcher/output/rotating-file.js';

const NOW = '2026-01-01T00:00:00.000Z';
const plain = false;

describe('a line of a process', () => {
  const pino = '{"level":"warn","time":"2026-01-01T10:00:00.000Z","process":"api","port":8080,"msg":"slow"}';
  const temporal = '{"time":"2026-01-01T10:00:00Z","level":"WARN","msg":"poll failed","service":"worker"}';

  it.each([
    ['of our own processes', 'api', pino, 'api           | warn  slow  port=8080'],
    ['of Temporal', 'temporal', temporal, 'temporal      | warn  poll failed  service=worker'],
    ['of Postgres about itself', 'postgres', 'LOG:  database system is ready', 'postgres      | debug database system is ready'],
    ['of Postgres about trouble', 'postgres', 'PANIC:  no space left', 'postgres      | error no space left'],
    ['of plain text', 'origin', 'hello', 'origin        | info  hello'],
    ['that only looks like JSON', 'origin', '{broken', 'origin        | info  {broken'],
  ])('%s is readable on a terminal', (_whose, name, text, shown) => {
    expect(terminalLine(parseLogLine(name, text, NOW), plain)).toBe(shown);
  });

  it('shows the stack of an error below', () => {
    const line = parseLogLine('api', '{"level":"error","msg":"failed","err":{"message":"x","stack":"Error: x\\n at y"}}', NOW);
    expect(terminalLine(line, plain)).toBe('api           | error failed\n  Error: x\n   at y');
  });

  it('is one JSON object otherwise, with the process that said it', () => {
    expect(JSON.parse(jsonLine(parseLogLine('temporal', temporal, NOW)))).toEqual({
      level: 'warn',
      time: '2026-01-01T10:00:00Z',
      process: 'temporal',
      msg: 'poll failed',
      service: 'worker',
    });
    expect(JSON.parse(jsonLine(parseLogLine('postgres', 'plain', NOW)))).toEqual({
      level: 'info',
      time: NOW,
      process: 'postgres',
      msg: 'plain',
    });
  });

  it('keeps its colours to the terminal', () => {
    const coloured = terminalLine(parseLogLine('api', pino, NOW), true);
    expect(coloured).toContain('\u001b[');
  });
});

describe('the output of the launcher', () => {
  let folder: string;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'holdfast-logs-'))));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('shows what matters on a terminal and keeps everything in a file per process', async () => {
    const shown: string[] = [];
    const output = createLogOutput({ logsDir: folder, terminal: true, colors: false, write: (text) => shown.push(text) });
    output.line('api', '{"level":"debug","msg":"detail"}');
    output.line('api', '{"level":"info","msg":"listens"}');
    output.say('warn', 'something', { reason: 'why' });
    expect(shown.join('')).not.toContain('detail');
    expect(shown.join('')).toContain('listens');
    expect((await readFile(join(folder, 'api.log'), 'utf8')).trim().split('\n')).toHaveLength(2);
    expect(await readFile(join(folder, 'launcher.log'), 'utf8')).toContain('"reason":"why"');
  });

  it('starts a new file when one is full, and keeps the newest', async () => {
    const file = new RotatingFile(join(folder, 'small.log'), 20);
    for (let number = 1; number <= 12; number++) file.append(`line number ${number}`);
    const names = (await readdir(folder)).filter((name) => name.startsWith('small.log')).sort();
    expect(names).toEqual(['small.log.1', 'small.log.2', 'small.log.3']);
    expect(await readFile(join(folder, 'small.log.1'), 'utf8')).toContain('line number 12');
  });
});
