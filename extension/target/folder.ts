import { randomBytes } from 'node:crypto';
import { lstat, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { CODES } from '../../agent/protocol.ts';
import { HotPatchError } from '../patch/error.ts';

/** The longest path of a Unix socket on macOS, in bytes; Linux has 107 (unix(7)). */
const LONGEST_SOCKET_PATH = 103;

/** PID_MAX_LIMIT of Linux. */
const HIGHEST_PID = 4_194_304;

/**
 * The private folder where clients and agents of one user find each other; made when missing.
 * HOTPATCH_DIR, else a fixed place: TMPDIR often differs between an editor and a shell.
 * Throws unsafeFolder when somebody else could read or replace what lies in it.
 */
export async function privateFolder(): Promise<string> {
  const path = folderPath();
  const named = process.env['HOTPATCH_DIR'] !== undefined && process.env['HOTPATCH_DIR'] !== '';
  try {
    // Only a named folder may need parents; the fixed one must not make any.
    if (named) await mkdir(path, { recursive: true, mode: 0o700 });
    else await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw unsafe(path, `it cannot be made: ${codeOf(error)}`, error);
  }
  await check(path);
  return path;
}

/** The same for a reader that shall leave no trace: null when there is no folder, or none that can be trusted. */
export async function existingPrivateFolder(): Promise<string | null> {
  const path = folderPath();
  return check(path).then(
    () => path,
    () => null,
  );
}

async function check(path: string): Promise<void> {
  const found = await lstat(path).catch((error: unknown) => {
    throw unsafe(path, `it cannot be read: ${codeOf(error)}`, error);
  });
  if (found.isSymbolicLink()) throw unsafe(path, 'it is a symbolic link');
  if (!found.isDirectory()) throw unsafe(path, 'it is not a folder');
  if (process.platform === 'win32') return; // the temporary folder is in the user's profile, which others cannot enter
  if (found.uid !== process.geteuid!()) throw unsafe(path, `it belongs to user ${found.uid}`);
  if ((found.mode & 0o077) !== 0)
    throw unsafe(path, `its mode is ${(found.mode & 0o777).toString(8)}, not 700`);
  if (Buffer.byteLength(pipePath(path, HIGHEST_PID)) > LONGEST_SOCKET_PATH) {
    throw unsafe(path, 'its path is too long for a socket');
  }
}

function unsafe(path: string, reason: string, cause?: unknown): HotPatchError {
  return new HotPatchError(CODES.unsafeFolder, { path, reason }, { cause });
}

/** Where the folder is or would be, unchecked. */
export function folderPath(): string {
  const named = process.env['HOTPATCH_DIR'];
  if (named !== undefined && named !== '') return resolve(named);
  if (process.platform === 'win32') return join(tmpdir(), 'hotpatch');
  return `/tmp/hotpatch-${process.geteuid!()}`;
}

/** A new path for the agent's pipe; not guessable, so that nobody can wait there for it. */
export function pipePath(folder: string, pid: number): string {
  const random = randomBytes(8).toString('hex');
  if (process.platform === 'win32') return `\\\\.\\pipe\\hotpatch-${pid}-${random}`;
  return join(folder, `${pid}-${random}.sock`);
}

/** The `code` of a system error, such as `ENOENT`. */
export function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException | null)?.code ?? error);
}
