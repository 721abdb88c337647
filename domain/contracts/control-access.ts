/**
 * What lets the processes of one host use each other's control addresses, and nobody else. The secret behind it is the same
 * in every process that has the installation's master key.
 */
export interface ControlAccess {
  /** Value of the header `authorization`. */
  readonly authorization: string;
  /**
   * A path with query, signed: it may be read (GET) as it is, without the header. For ffmpeg, whose arguments everybody on a
   * machine may see: who sees this one may read the same media from the same machine, and do nothing else.
   */
  sign(target: string): string;
  /** Whether a header `authorization` is that of this host; takes the same time whatever it is. */
  allows(authorization: string | undefined): boolean;
  /** Whether a path with query was signed by this host; takes the same time whatever it is. */
  allowsSigned(target: string): boolean;
}
