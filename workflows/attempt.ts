/** A step that a media host no longer takes must hold up nothing after it, or the stream would be stuck; Temporal keeps the failure. */
export async function attempt<T>(step: () => Promise<T>): Promise<T | null> {
  try {
    return await step();
  } catch {
    return null;
  }
}
