/** Pixels as shown, after cropping. */
export interface PictureSize {
  width: number;
  height: number;
}
