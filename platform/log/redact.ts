const RTMP_URL = /\b(rtmps?|srt|https?):\/\/[^\s'"]+/gi;

/** Hides everything of a URL behind its host: paths hold stream keys, userinfo holds passwords. */
export function redactUrl(url: string): string {
  const match = /^([a-z]+):\/\/(?:[^@/\s]*@)?([^/?#\s]+)/i.exec(url);
  return match ? `${match[1]}://${match[2]}/…` : '[url]';
}

/** The text with every URL in it redacted; for the last lines of ffmpeg before they are shown. */
export function redactText(text: string): string {
  return text.replace(RTMP_URL, (url) => redactUrl(url));
}
