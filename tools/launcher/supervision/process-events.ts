import type { LogOutput } from '../output/log-output.js';
import type { ProcessEvents } from './supervised-process.js';

/** What the launcher says about a process; `more` adds to it, or (`line`) replaces how its lines are shown. */
export function watched(name: string, output: LogOutput, more: Partial<ProcessEvents> = {}): ProcessEvents {
  return {
    line: more.line ?? ((text) => output.line(name, text)),
    started: (identity) => more.started?.(identity),
    ended: (identity) => more.ended?.(identity),
    restarting: (report) => {
      output.say('warn', `${name} ended (${report.exit}); starting it again in ${report.delayMs / 1000} s`);
      more.restarting?.(report);
    },
    failing: (report) => {
      const { exit, failures, lastLines } = report;
      output.say('error', `${name} keeps failing: ${failures} times in a row, now ${exit}. Its last lines:`, {
        lastLines,
      });
      more.failing?.(report);
    },
    hung: (report) => {
      output.say('error', `${name} gives no sign of life for ${report.seconds} s; killing it to start it again`);
      more.hung?.(report);
    },
  };
}
