import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** How long an executable may take to tell its version, in ms. */
const LIMIT_MS = 2000;

const known = new Map<string, Promise<string | null>>();

/**
 * The version of a Node executable, such as `20.20.2`, or null. The header that its distribution ships beside it is
 * read first, for that costs no process; else `runnable --version` is run with an empty environment, so that no
 * NODE_OPTIONS preloads anything. Remembered per file.
 */
export async function versionOfExecutable(path: string, runnable = path): Promise<string | null> {
  const file = await stat(runnable).catch(() => null);
  if (file === null) return null;
  const key = `${file.dev}:${file.ino}:${file.mtimeMs}`;
  let version = known.get(key);
  if (version === undefined) {
    version = ask(path, runnable);
    known.set(key, version);
  }
  return version;
}

async function ask(path: string, runnable: string): Promise<string | null> {
  const header = join(dirname(path), '..', 'include', 'node', 'node_version.h');
  const text = await readFile(header, 'utf8').catch(() => null);
  return (text === null ? null : parseVersionHeader(text)) ?? (await run(runnable));
}

/** Reads node_version.h; null when it is another file. */
export function parseVersionHeader(text: string): string | null {
  const part = (name: string): string | undefined =>
    new RegExp(`^#define NODE_${name}_VERSION (\\d+)$`, 'm').exec(text)?.[1];
  const parts = [part('MAJOR'), part('MINOR'), part('PATCH')];
  return parts.includes(undefined) ? null : parts.join('.');
}

function run(runnable: string): Promise<string | null> {
  // Windows' own libraries want SystemRoot; it can preload nothing.
  const env = process.env['SystemRoot'] === undefined ? {} : { SystemRoot: process.env['SystemRoot'] };
  return new Promise((resolve) => {
    execFile(runnable, ['--version'], { env, timeout: LIMIT_MS, windowsHide: true }, (_error, output) => {
      resolve(/^v(\d+\.\d+\.\d+)/.exec(String(output))?.[1] ?? null);
    });
  });
}
