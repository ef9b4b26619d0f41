import { execFile } from 'node:child_process';

/** How long a tool of the operating system may take, in ms. */
const LIMIT_MS = 10_000;

/**
 * The output of a program, whatever its exit status (`lsof` and `ps` fail when nothing was found); empty when it could
 * not be run. English words and UTC times, so that two clients read the same.
 */
export function run(file: string, args: readonly string[]): Promise<string> {
  const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC0' };
  return new Promise((resolve) => {
    const options = { env, timeout: LIMIT_MS, maxBuffer: 64 * 1024 * 1024, windowsHide: true };
    execFile(file, args, options, (_error, output) => resolve(String(output)));
  });
}
