/** What arrived on an encoder's socket is not the fragmented MP4 Holdfast asked for; that socket is closed. */
export class MediaFormatError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MediaFormatError';
  }
}
