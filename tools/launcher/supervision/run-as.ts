import { chown, mkdtemp, readFile, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LauncherError } from '../launcher-error.js';
import { runCommand } from './run-command.js';

export interface Command {
  file: string;
  args: string[];
  uid?: number;
  gid?: number;
}

/** A way to run a program that refuses to run as root. */
export interface RunAs {
  /** The same command, run in this way. It keeps its pid: no way puts a process in between. */
  command(file: string, args: string[]): Command;
  /** Who must own the files the program writes; null = nothing has to change. */
  owner: Account | null;
}

export interface Account {
  uid: number;
  gid: number;
}

const asOurselves: RunAs = { command: (file, args) => ({ file, args }), owner: null };
/** Accounts that exist for this (the first) or nearly everywhere (the second). */
const UNPRIVILEGED_ACCOUNTS = ['postgres', 'nobody'];

/**
 * The way to run `program`, which refuses root, so that it can write to files below `folder`. Only root needs one:
 *
 * 1. as an ordinary account, if it can reach both;
 * 2. under a private folder (mode 0700, root's home say): in a user namespace, where root's files look like that
 *    account's own;
 * 3. where namespaces are forbidden (many containers): as that account with the one capability that opens folders.
 *    The securebit is needed because access(2), by which Postgres looks for itself, drops capabilities otherwise.
 *
 * @throws LauncherError when none works
 */
export async function wayToRun(program: string, folder: string): Promise<RunAs> {
  if (process.getuid?.() !== 0) return asOurselves;
  const account = await unprivilegedAccount();
  if (!account) {
    const names = UNPRIVILEGED_ACCOUNTS.join(' or ');
    throw new LauncherError(`Postgres does not run as root, and this system has no account ${names}. ${ADVICE}`);
  }
  for (const way of waysFor(account)) {
    if (await works(way, program, folder)) return way;
  }
  throw new LauncherError(`Postgres does not run as root, and another account cannot reach ${folder}. ${ADVICE}`);
}

const ADVICE = 'Run Holdfast as an ordinary user, or set HOLDFAST_DATABASE_URL to a Postgres you have.';

function waysFor({ uid, gid }: Account): RunAs[] {
  return [
    { command: (file, args) => ({ file, args, uid, gid }), owner: { uid, gid } },
    {
      command: (file, args) => ({
        file: 'unshare',
        args: ['--user', `--map-user=${uid}`, `--map-group=${gid}`, file, ...args],
      }),
      owner: { uid: 0, gid: 0 },
    },
    {
      command: (file, args) => ({
        file: 'setpriv',
        args: [
          `--reuid=${uid}`,
          `--regid=${gid}`,
          '--clear-groups',
          '--securebits=+no_setuid_fixup',
          '--inh-caps=+dac_override',
          '--ambient-caps=+dac_override',
          file,
          ...args,
        ],
      }),
      owner: { uid, gid },
    },
  ];
}

/** Tries it: can the program be reached, and a folder of its owner be written to? */
async function works(way: RunAs, program: string, folder: string): Promise<boolean> {
  const probe = await mkdtemp(join(folder, 'probe-'));
  try {
    if (way.owner) await chown(probe, way.owner.uid, way.owner.gid);
    const { file, args, uid, gid } = way.command('/bin/sh', ['-c', 'test -x "$0" && test -w "$1"', program, probe]);
    const result = await runCommand(file, args, { uid, gid, cwd: '/' });
    return result.code === 0;
  } finally {
    await rmdir(probe);
  }
}

async function unprivilegedAccount(): Promise<Account | null> {
  const lines = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n').map((line) => line.split(':'));
  for (const name of UNPRIVILEGED_ACCOUNTS) {
    const [, , uid, gid] = lines.find(([account]) => account === name) ?? [];
    if (Number(uid) > 0 && Number(gid) > 0) return { uid: Number(uid), gid: Number(gid) };
  }
  return null;
}
