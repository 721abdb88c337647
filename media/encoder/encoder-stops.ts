/** A start that was under way when its stop was asked for is over long before. */
const REMEMBER_MS = 120_000;

/**
 * Which encoders were told to stop. The cancelling of an activity does not tell: it also comes when the workflow goes on in
 * another run, whose activity adopts the encoder.
 */
export class EncoderStops {
  readonly #epochs = new Map<string, number>();

  /** The encoder of this epoch, and every older one, is not wanted any more. */
  ask(broadcastId: string, epoch: number): void {
    const asked = Math.max(epoch, this.#epochs.get(broadcastId) ?? epoch);
    this.#epochs.set(broadcastId, asked);
    setTimeout(() => {
      if (this.#epochs.get(broadcastId) === asked) this.#epochs.delete(broadcastId);
    }, REMEMBER_MS).unref();
  }

  isAsked(broadcastId: string, epoch: number): boolean {
    return epoch <= (this.#epochs.get(broadcastId) ?? -1);
  }
}
