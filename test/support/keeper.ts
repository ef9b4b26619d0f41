import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

/** Ends processes and removes folders when this process ends, however it ends: by itself, Ctrl+C or SIGKILL. */
export interface Keeper {
  /** Takes the process group that `pid` leads into its keeping (on Windows, the process). */
  hold(pid: number): void;
  /** Lets go of a group that has ended: its number may soon belong to somebody else. */
  release(pid: number): void;
  /** Takes a folder into its keeping. */
  remove(folder: string): void;
  /** Lets go of a folder that has been removed. */
  removed(folder: string): void;
  /** Does all of it now, and resolves when it is done. */
  close(): Promise<void>;
}

/**
 * Starts a keeper.
 * @param trace a text nobody else would use, such as the path of a fresh folder: every process on this machine that
 *   has it in its environment or its command line is ended as well. Linux only.
 */
export function startKeeper(trace = ''): Keeper {
  const file = fileURLToPath(new URL('keeperProcess.mjs', import.meta.url));
  // Detached, so that the Ctrl+C that ends the tests does not reach it.
  const child = spawn(process.execPath, [file, trace], {
    detached: true,
    // Almost none: a keeper of this process would take it for one of those to end.
    env: { SystemRoot: process.env['SystemRoot'] },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const exited = once(child, 'exit') as Promise<[code: number | null]>;
  child.unref();
  (child.stdin as Socket).unref();
  const tell = (line: string) => void child.stdin.write(`${line}\n`);
  return {
    hold: (pid) => tell(`hold ${pid}`),
    release: (pid) => tell(`release ${pid}`),
    remove: (folder) => tell(`remove ${folder}`),
    removed: (folder) => tell(`removed ${folder}`),
    async close() {
      child.ref();
      child.stdin.end();
      const [code] = await exited;
      if (code !== 0)
        throw new Error(`The keeper ended with ${code}, perhaps before it had ended everything`);
    },
  };
}
