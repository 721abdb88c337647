/** Codecs store whole blocks: 16 pixels in H.264, up to 64 in HEVC and VP9, 128 in AV1; what is not shown is cut off later. */
const LARGEST_BLOCK = 128;

const inBlocks = (length: number): number => Math.ceil(length / LARGEST_BLOCK) * LARGEST_BLOCK;

/** Pixels of the largest picture a decoder may make, of the largest an encoder may send (HOLDFAST_MAX_SOURCE_SIZE). */
export const maxPixelsOf = ([width, height]: readonly [number, number]): number => inBlocks(width) * inBlocks(height);

/**
 * Options of an input. The ingest reads the size from the codec headers at the beginning; headers within the stream may ask
 * for any other, and a decoder would take the memory for it.
 */
export const decoderLimit = (maxPixels: number): string[] => ['-max_pixels', String(maxPixels)];
