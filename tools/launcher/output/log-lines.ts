import type picocolors from 'picocolors';

type Colors = ReturnType<typeof picocolors.createColors>;

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

/** For a person: `api           | info  listens  port=8080`, an error's stack or a process's last lines below. */
export function terminalLine(line: LogLine, colors: Colors): string {
  const name = processColor(line.process, colors)(line.process.padEnd(NAME_WIDTH));
  const level = levelColor(line.level, colors)(line.level.padEnd(LEVEL_WIDTH));
  const { err, lastLines, ...fields } = line.fields;
  const text = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
  const shown = Object.entries(fields).map(([key, value]) => `${key}=${text(value)}`);
  const tail = shown.length > 0 ? `  ${colors.dim(shown.join(' '))}` : '';
  const below = [errorText(err), linesText(lastLines)].map((lines) => indented(lines, colors)).join('');
  return `${name} | ${level} ${line.msg}${tail}${below}`;
}

const indented = (text: string, colors: Colors): string =>
  text === ''
    ? ''
    : `\n${colors.dim(
        text
          .split('\n')
          .map((line) => `  ${line}`)
          .join('\n'),
      )}`;

function errorText(err: unknown): string {
  if (typeof err !== 'object' || err === null) return '';
  const { stack, message } = err as { stack?: string; message?: string };
  return stack ?? message ?? '';
}

const linesText = (lines: unknown): string => (Array.isArray(lines) ? lines.join('\n') : '');

function levelColor(level: LogLevel, colors: Colors): (text: string) => string {
  if (level === 'error' || level === 'fatal') return colors.red;
  return level === 'warn' ? colors.yellow : colors.dim;
}

/** Neighbours in a log differ in colour. */
const COLOR_ORDER = ['launcher', 'api', 'ingest', 'origin', 'stream-worker', 'media-worker', 'demo', 'temporal', 'postgres'];

function processColor(name: string, colors: Colors): (text: string) => string {
  const { bold, cyan, magenta, green, blue, yellow, cyanBright, gray } = colors;
  const palette = [bold, cyan, magenta, green, blue, yellow, cyanBright, gray];
  return palette[Math.max(0, COLOR_ORDER.indexOf(name)) % palette.length]!;
}
