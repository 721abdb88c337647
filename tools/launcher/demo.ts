import { redactText } from '../../platform/log/redact.js';
import type { LogOutput } from './output/log-output.js';
import { LauncherError } from './launcher-error.js';
import { watched } from './supervision/process-events.js';
import type { RunJson } from './output/run-json.js';
import { SupervisedProcess } from './supervision/supervised-process.js';

export interface DemoOptions {
  run: RunJson;
  /** Where the API answers from this machine. */
  apiUrl: string;
  ffmpeg: string;
  dataDir: string;
  output: LogOutput;
}

export interface Demo {
  playerUrl: string;
  stop(): Promise<void>;
  kill(): void;
}

interface CreatedStream {
  id: string;
  streamKey: string;
  ingest: { rtmp: string };
  playback: { player: string };
}

const REQUEST_TIMEOUT_MS = 10_000;
const STOP_GRACE_MS = 2000;
const FRAME_RATE = 30;
const GOP_SECONDS = 2;
const BITRATE = '2500k';

/** Creates a stream by the API, like any application, and publishes a test picture with sound to it until stopped. */
export async function startDemo({ run, apiUrl, ffmpeg, dataDir, output }: DemoOptions): Promise<Demo> {
  const call = async <Body>(method: string, path: string, body?: unknown): Promise<Body> => {
    const response = await fetch(`${apiUrl}/v1${path}`, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from(`${run.apiKey}:${run.apiSecret}`).toString('base64')}`,
        'content-type': 'application/json',
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    if (!response.ok) {
      throw new LauncherError(`The API answered ${response.status} to ${method} ${path}: ${await response.text()}`);
    }
    return (await response.json()) as Body;
  };
  const stream = await call<CreatedStream>('POST', '/streams', { name: 'Demo' });
  const hideKey = (text: string): string => redactText(text).replaceAll(stream.streamKey, '…');
  const publisher = new SupervisedProcess(
    {
      name: 'demo',
      command: {
        file: ffmpeg,
        // ffmpeg 9 takes an RTMP address from its arguments only (its -fpre files reach no protocols), where everyone on the
        // machine can read it. It opens a test picture, nobody's broadcast.
        args: publishArguments(`${stream.ingest.rtmp}/${stream.streamKey}`),
        env: process.env,
        cwd: dataDir,
      },
      program: ffmpeg,
      reasonNotReady: () => Promise.resolve(null),
      stopSignal: 'SIGINT',
    },
    watched('demo', output, {
      line: (text) => output.line('demo', hideKey(text)),
      restarting: () => void stopIfEnded(),
      failing: () => void stopIfEnded(),
    }),
  );
  const stopIfEnded = async (): Promise<void> => {
    const { status } = await call<{ status: string }>('GET', `/streams/${stream.id}`);
    if (status !== 'ended') return;
    output.say('info', 'The demo stream has ended, so nothing is published to it any more.');
    await publisher.stop(STOP_GRACE_MS);
  };
  await publisher.start();
  return { playerUrl: stream.playback.player, stop: () => publisher.stop(STOP_GRACE_MS), kill: () => publisher.kill() };
}

/** A moving picture with running numbers, and a tone that beeps each second; 720p30 with a GOP of 2 s. */
function publishArguments(url: string): string[] {
  const gop = String(FRAME_RATE * GOP_SECONDS);
  return [
    '-hide_banner',
    '-loglevel',
    'warning',
    '-nostats',
    '-nostdin',
    '-re',
    '-f',
    'lavfi',
    '-i',
    `testsrc2=size=1280x720:rate=${FRAME_RATE}`,
    '-re',
    '-f',
    'lavfi',
    '-i',
    'sine=frequency=330:beep_factor=4:sample_rate=48000',
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-tune',
    'zerolatency',
    '-pix_fmt',
    'yuv420p',
    '-g',
    gop,
    '-keyint_min',
    gop,
    '-sc_threshold',
    '0',
    '-b:v',
    BITRATE,
    '-maxrate',
    BITRATE,
    '-bufsize',
    BITRATE,
    '-c:a',
    'aac',
    '-b:a',
    '128k',
    '-ac',
    '2',
    '-f',
    'flv',
    url,
  ];
}
