import { join } from 'node:path';
import { jsonLine, LOG_LEVELS, type LogLevel, type LogLine, parseLogLine, terminalLine } from './log-lines.js';
import { RotatingFile } from './rotating-file.js';

export interface LogOutput {
  /** A line as a process wrote it. */
  line(process: string, text: string): void;
  /** A line of the launcher itself. */
  say(level: LogLevel, msg: string, fields?: Record<string, unknown>): void;
  /** The same for its file alone: the terminal is told in other words. */
  record(level: LogLevel, msg: string, fields?: Record<string, unknown>): void;
  /** From now on only the launcher is shown, the files still get everything: what stops complains about the others. */
  quiet(): void;
}

export interface LogOutputOptions {
  logsDir: string;
  /** Readable lines; else JSON lines. */
  terminal: boolean;
  /** Readable lines are coloured. */
  colors: boolean;
  write: (text: string) => void;
}

const LAUNCHER = 'launcher';
const TERMINAL_LEVEL: LogLevel = 'info';

const atLeast = (level: LogLevel, least: LogLevel): boolean => LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(least);

/** Shows every process's lines in one stream and keeps each one's in a file of its own. */
export function createLogOutput({ logsDir, terminal, colors, write }: LogOutputOptions): LogOutput {
  const files = new Map<string, RotatingFile>();
  const leastShown: LogLevel = terminal ? TERMINAL_LEVEL : 'trace';
  let quiet = false;
  const fileOf = (process: string): RotatingFile => {
    const present = files.get(process) ?? new RotatingFile(join(logsDir, `${process}.log`));
    files.set(process, present);
    return present;
  };
  const ours = (level: LogLevel, msg: string, fields: Record<string, unknown>): LogLine => ({
    time: new Date().toISOString(),
    level,
    process: LAUNCHER,
    msg,
    fields,
  });
  const keep = (line: LogLine): string => {
    const json = jsonLine(line);
    fileOf(line.process).append(json);
    return json;
  };
  const put = (line: LogLine): void => {
    const json = keep(line);
    if (quiet && line.process !== LAUNCHER) return;
    if (atLeast(line.level, leastShown)) write(`${terminal ? terminalLine(line, colors) : json}\n`);
  };
  return {
    line: (process, text) => {
      if (text.trim() !== '') put(parseLogLine(process, text, new Date().toISOString()));
    },
    say: (level, msg, fields = {}) => put(ours(level, msg, fields)),
    record: (level, msg, fields = {}) => void keep(ours(level, msg, fields)),
    quiet: () => void (quiet = true),
  };
}
