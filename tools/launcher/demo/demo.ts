import { redactText } from '../../../platform/log/redact.js';
import type { LogOutput } from '../output/log-output.js';
import type { RunJson } from '../output/run-json.js';
import { publishUrl, StackApi, type StackStream } from '../stack/stack-api.js';
import type { ProcessGroup } from '../supervision/process-group.js';
import { testPictureArguments } from './test-picture.js';

export interface DemoOptions {
  run: RunJson;
  /** Where the API answers from this machine. */
  apiUrl: string;
  ffmpeg: string;
  dataDir: string;
  output: LogOutput;
  /** Its encoder becomes one of these. */
  processes: ProcessGroup;
}

/** Name of its encoder among the launcher's processes. */
export const DEMO = 'demo';

/**
 * Creates a stream by the API, like any application, and publishes a test picture with sound to it: until everything stops,
 * or until somebody ends or deletes that stream, which says so and ends the demo alone. A new stream key is taken over.
 *
 * @returns address of the player page
 * @throws Error with the API's own words when the stream cannot be made
 */
export async function startDemo({ run, apiUrl, ffmpeg, dataDir, output, processes }: DemoOptions): Promise<string> {
  const api = new StackApi({ ...run, api: apiUrl });
  let stream = await api.createStream({ name: 'Demo' });
  const hideKey = (text: string): string => redactText(text).replaceAll(stream.streamKey, '…');
  const isWanted = async (): Promise<boolean> => {
    const { status, body } = await api.call<StackStream>('GET', `/streams/${stream.id}`);
    if (status === NOT_FOUND || body?.status === 'ended') return false;
    if (status !== OK || !body) throw new Error(status === 0 ? 'the API does not answer' : `the API answers ${status}`);
    stream = body;
    return true;
  };
  await processes.start(
    {
      name: DEMO,
      // ffmpeg 9 takes an RTMP address from its arguments only (its -fpre files reach no protocols), where everyone on the
      // machine can read it. It opens a test picture, nobody's broadcast.
      command: () => ({ file: ffmpeg, args: testPictureArguments(publishUrl(stream)), env: process.env, cwd: dataDir }),
      program: ffmpeg,
      beforeStart: async () => {
        if (await isWanted()) return;
        output.say('info', 'The demo stream was ended or deleted, so nothing is published to it any more. Start again for a new one.');
        processes.release(DEMO);
      },
      reasonNotReady: () => Promise.resolve(null),
      stopSignal: 'SIGINT',
    },
    { line: (text) => output.line(DEMO, hideKey(text)) },
  );
  return stream.playback.player;
}

const OK = 200;
const NOT_FOUND = 404;
