const FRAME_RATE = 30;
const GOP_SECONDS = 2;
const BITRATE = '2500k';

/** ffmpeg's arguments for a moving picture with running numbers, and a tone that beeps each second; 720p30 with a GOP of 2 s. */
export function testPictureArguments(url: string): string[] {
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
