import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { rootCertificates } from 'node:tls';

/**
 * Writes the certificate authorities that RTMPS trusts into a PEM file for ffmpeg: those of Node.js, wherever a system
 * keeps its own, and those of `extraPath`.
 *
 * @param extraPath PEM file (NODE_EXTRA_CA_CERTS), undefined for none
 * @throws Error when that file cannot be read
 */
export async function writeAuthorities(path: string, extraPath: string | undefined): Promise<string> {
  const extra = extraPath ? [await readFile(extraPath, 'utf8')] : [];
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.tmp`, [...rootCertificates, ...extra].join('\n'));
  await rename(`${path}.tmp`, path);
  return path;
}
