import { styleText } from 'node:util';

type Color = Extract<Parameters<typeof styleText>[0], string>;

/** One line of a process, whatever it was written as. */
export interface LogLine {
  /** ISO 8601 */
  time: string;
  level: LogLevel;
  process: string;
  msg: string;
  fields: Record<string, unknown>;
}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What Postgres calls its messages (runtime-config-logging, "Message Severity Levels"). Its LOG is about itself. */
const POSTGRES_LEVELS: Readonly<Record<string, LogLevel>> = {
  DEBUG: 'debug',
  INFO: 'info',
  NOTICE: 'info',
  LOG: 'debug',
  WARNING: 'warn',
  ERROR: 'warn',
  FATAL: 'warn',
  PANIC: 'error',
};
/** Temporal's server says in plain text only where it listens, which the launcher says itself. */
const PLAIN_TEXT_LEVELS: Readonly<Record<string, LogLevel>> = { temporal: 'debug' };
/** Fields of the line itself, not of its message. */
const STANDARD_FIELDS = ['time', 'level', 'process', 'msg', 'pid', 'hostname'];

/** Reads a line of one of our processes (pino), of Temporal (JSON too) or of Postgres; anything else is plain text. */
export function parseLogLine(process: string, text: string, now: string): LogLine {
  const json = parseJsonObject(text);
  if (json) {
    const fields = Object.fromEntries(Object.entries(json).filter(([name]) => !STANDARD_FIELDS.includes(name)));
    const time = typeof json.time === 'string' ? json.time : now;
    return { time, level: levelOf(json.level), process, msg: String(json.msg ?? ''), fields };
  }
  const [, severity, message] = /^([A-Z]+):\s+(.*)$/.exec(text) ?? [];
  const level = severity === undefined ? undefined : POSTGRES_LEVELS[severity];
  if (level) return { time: now, level, process, msg: message!, fields: {} };
  return { time: now, level: PLAIN_TEXT_LEVELS[process] ?? 'info', process, msg: text, fields: {} };
}

function parseJsonObject(text: string): Record<string, unknown> | null {
  if (!text.startsWith('{')) return null;
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return null;
  }
}

function levelOf(level: unknown): LogLevel {
  const name = String(level).toLowerCase();
  return LOG_LEVELS.find((known) => known === name) ?? 'info';
}

/** One JSON object, the standard fields first. */
export function jsonLine({ level, time, process, msg, fields }: LogLine): string {
  return JSON.stringify({ level, time, process, msg, ...fields });
}

const NAME_WIDTH = 'stream-worker'.length;
const LEVEL_WIDTH = 'error'.length;

/**
 * For a person: `api           | info  listens  port=8080`, an error's stack or a process's last lines below.
 *
 * @param colors whether the terminal takes them
 */
export function terminalLine(line: LogLine, colors: boolean): string {
  const paint = (color: Color, text: string): string => (colors ? styleText(color, text, { validateStream: false }) : text);
  const name = paint(processColor(line.process), line.process.padEnd(NAME_WIDTH));
  const level = paint(levelColor(line.level), line.level.padEnd(LEVEL_WIDTH));
  const { err, lastLines, ...fields } = line.fields;
  const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
  const shown = Object.entries(fields).map(([key, value]) => `${key}=${text(value)}`);
  const tail = shown.length > 0 ? `  ${paint('dim', shown.join(' '))}` : '';
  const below = [errorText(err), linesText(lastLines)].filter((lines) => lines !== '');
  return `${name} | ${level} ${line.msg}${tail}${below.map((lines) => `\n${paint('dim', indented(lines))}`).join('')}`;
}

const indented = (text: string): string =>
  text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');

function errorText(err: unknown): string {
  if (typeof err !== 'object' || err === null) return '';
  const { stack, message } = err as { stack?: string; message?: string };
  return stack ?? message ?? '';
}

const linesText = (lines: unknown): string => (Array.isArray(lines) ? lines.join('\n') : '');

function levelColor(level: LogLevel): Color {
  if (level === 'error' || level === 'fatal') return 'red';
  return level === 'warn' ? 'yellow' : 'dim';
}

/** Neighbours in a log differ in colour. */
const COLOR_ORDER = ['launcher', 'api', 'ingest', 'origin', 'stream-worker', 'media-worker', 'demo', 'temporal', 'postgres'];
const PALETTE: readonly Color[] = ['bold', 'cyan', 'magenta', 'green', 'blue', 'yellow', 'cyanBright', 'gray'];

const processColor = (name: string): Color => PALETTE[Math.max(0, COLOR_ORDER.indexOf(name)) % PALETTE.length]!;
