/** NTSC rates are N * 1000/1001; written exactly, or cuts drift off the grid within minutes. */
const NTSC_FACTOR = 1001 / 1000;
const NTSC_TOLERANCE = 0.002;
const DECIMALS = 1000;

/** A frame rate as ffmpeg's `-r` takes it: `30`, `30000/1001`, or thousandths for anything else. */
export function frameRateArgument(frameRate: number): string {
  const whole = Math.round(frameRate);
  if (Math.abs(frameRate - whole) < NTSC_TOLERANCE) return String(whole);
  const ntsc = Math.round(frameRate * NTSC_FACTOR);
  if (Math.abs(frameRate * NTSC_FACTOR - ntsc) < NTSC_TOLERANCE) return `${ntsc * 1000}/1001`;
  return `${Math.round(frameRate * DECIMALS)}/${DECIMALS}`;
}
