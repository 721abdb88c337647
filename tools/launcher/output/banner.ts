import type { RunJson } from './run-json.js';

const LABEL_WIDTH = 14;

/** The block that is printed once everything is ready. */
export function readyBanner(run: RunJson, runJsonPath: string): string {
  const rows: [string, string][] = [
    ['API', `${run.api}  (docs: ${run.api}/docs)`],
    ['RTMP ingest', run.rtmp],
    ['Playback', run.playback],
    ['Temporal UI', run.temporalUi ?? `at your Temporal server, ${run.temporal}`],
    ['API key', run.apiKey],
    ['API secret', run.apiSecret],
    ['All of this', runJsonPath],
  ];
  const lines = rows.map(([label, value]) => `  ${label.padEnd(LABEL_WIDTH)}${value}`);
  const credentials = `${run.apiKey}:${run.apiSecret}`;
  const body = `-H 'content-type: application/json' -d '{"name":"hello"}'`;
  const create = `curl -s -u ${credentials} ${body} ${run.api}/v1/streams`;
  return ['', 'Holdfast is ready.', '', ...lines, '', '  Create a stream:', `  ${create}`, '', '  Ctrl-C stops everything.', ''].join('\n');
}
