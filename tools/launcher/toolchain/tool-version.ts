import type { ToolName } from './pinned-tools.js';
import { lastLine, runCommand } from '../supervision/run-command.js';

/** From 7 on ffmpeg reads and writes enhanced FLV (HEVC, AV1 over RTMP) as Holdfast uses it. */
const MIN_FFMPEG_MAJOR = 7;
/** Temporal CLI 1.9 carries Server 1.32, which the workflows are tested against. */
const MIN_TEMPORAL_CLI = [1, 9] as const;
const MIN_TEMPORAL_SERVER = [1, 32] as const;
const VERSION_TIMEOUT_MS = 20_000;

/** null = good; else why this program cannot be used, as the end of a sentence. */
export async function reasonToolIsUnfit(tool: ToolName, path: string): Promise<string | null> {
  switch (tool) {
    case 'ffmpeg':
      return reasonFfmpegIsUnfit(path);
    case 'temporal':
      return reasonTemporalIsUnfit(path);
    case 'temporal-test-server':
      // It has no way to ask for its version; a wrong one shows in the tests.
      return null;
  }
}

async function reasonFfmpegIsUnfit(path: string): Promise<string | null> {
  const version = await ask(path, ['-version']);
  if ('problem' in version) return version.problem;
  const wrong = reasonFfmpegVersion(version.output);
  if (wrong) return wrong;
  const [protocols, encoders] = await Promise.all([ask(path, ['-hide_banner', '-protocols']), ask(path, ['-hide_banner', '-encoders'])]);
  if ('problem' in protocols) return protocols.problem;
  if ('problem' in encoders) return encoders.problem;
  if (!/^\s*unix$/m.test(protocols.output.split('Output:')[1] ?? '')) return 'it cannot write to unix sockets';
  if (!/\slibx264\s/.test(encoders.output)) return 'it has no libx264';
  return null;
}

/** Reads `ffmpeg -version`: "7.1.1", in git builds "n9.0.2-17-g2a57", or "N-118000-g…" (no number: refused). */
export function reasonFfmpegVersion(output: string): string | null {
  const match = /^ffmpeg version n?(\d+)\.\d+/m.exec(output);
  if (!match) return `its version cannot be read from "${output.split('\n')[0] ?? ''}"`;
  const major = Number(match[1]);
  return major >= MIN_FFMPEG_MAJOR ? null : `it is version ${major}, and ${MIN_FFMPEG_MAJOR} or later is needed`;
}

async function reasonTemporalIsUnfit(path: string): Promise<string | null> {
  const version = await ask(path, ['--version']);
  return 'problem' in version ? version.problem : reasonTemporalVersion(version.output);
}

/** Reads `temporal --version`: "temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)". */
export function reasonTemporalVersion(output: string): string | null {
  const match = /temporal version (\d+)\.(\d+)\S* \(Server (\d+)\.(\d+)/.exec(output);
  if (!match) return `its version cannot be read from "${output.split('\n')[0] ?? ''}"`;
  const [cliMajor, cliMinor, serverMajor, serverMinor] = match.slice(1).map(Number) as [number, number, number, number];
  if (!atLeast([cliMajor, cliMinor], MIN_TEMPORAL_CLI)) {
    return `it is version ${cliMajor}.${cliMinor}, and ${MIN_TEMPORAL_CLI.join('.')} or later is needed`;
  }
  if (!atLeast([serverMajor, serverMinor], MIN_TEMPORAL_SERVER)) {
    return `it carries Server ${serverMajor}.${serverMinor}, and ${MIN_TEMPORAL_SERVER.join('.')} or later is needed`;
  }
  return null;
}

function atLeast([major, minor]: readonly [number, number], [wantedMajor, wantedMinor]: readonly [number, number]): boolean {
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

async function ask(path: string, args: string[]): Promise<{ output: string } | { problem: string }> {
  const result = await runCommand(path, args, { timeoutMs: VERSION_TIMEOUT_MS });
  if (result.code === 0) return { output: result.stdout };
  if (result.startError === 'ENOENT') return { problem: 'there is no such file' };
  if (result.startError === 'EACCES') return { problem: 'it is not executable' };
  return { problem: `it does not run: ${lastLine(result.stderr) || result.startError || `exit code ${result.code}`}` };
}
