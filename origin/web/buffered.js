/** Seconds of media ahead, on the far side of holes too: where an encoder began anew the sound may leave one of a frame or two. */
export function bufferedAhead(video) {
  let seconds = 0;
  for (let index = 0; index < video.buffered.length; index++) {
    seconds += Math.max(0, video.buffered.end(index) - Math.max(video.buffered.start(index), video.currentTime));
  }
  return seconds;
}
