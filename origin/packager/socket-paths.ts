import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** sun_path of unix(7) has 108 bytes on Linux with the closing zero, 104 on macOS. */
const MAX_SOCKET_PATH_BYTES = 103;
/** Longest file name below: ten digits of hash, a 32-bit epoch, a rendition id. */
const LONGEST_NAME_BYTES = 40;

const shortHash = (text: string): string => {
  const HASH_DIGITS = 10;
  return createHash('sha256').update(text).digest('hex').slice(0, HASH_DIGITS);
};

/** Folder of the encoder sockets: inside the data folder, or beside it in the temporary folder when its path is too long. */
export function socketFolder(runDir: string): string {
  const folder = join(runDir, 'o');
  if (Buffer.byteLength(folder) + 1 + LONGEST_NAME_BYTES <= MAX_SOCKET_PATH_BYTES) return folder;
  return join(tmpdir(), `holdfast-${shortHash(runDir)}`);
}

/** Path of one socket; names its broadcast, epoch and rendition, so that no encoder can connect to another's. */
export function socketPath(folder: string, broadcastId: string, epoch: number, renditionId: string): string {
  return join(folder, `${shortHash(broadcastId)}-${epoch}-${renditionId}`);
}

/** Where viewer processes reach the origin. */
export const viewerSocket = (folder: string): string => join(folder, 'viewers');

/** Where they ask for viewers whose tokens they have checked; nobody else can reach it, since the folder is its owner's alone. */
export const checkedSocket = (viewerSocket: string): string => `${viewerSocket}-checked`;
