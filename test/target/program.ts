import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Answers `ping N` on its input with `pong N`, and keeps running. To be the beginning of a program under test. */
export const HEART = `
process.stdin.setEncoding('utf8').on('data', (text) => {
  for (const line of text.split('\\n')) if (line) process.stdout.write(line.replace('ping', 'pong') + '\\n');
});
process.stdout.write('ready\\n');
`;

export interface ProgramOptions {
  readonly node?: string;
  /** Options of Node, before the script. */
  readonly flags?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
}

/** A running program under test; killed and its files removed when disposed. */
export interface Program extends AsyncDisposable {
  readonly pid: number;
  readonly folder: string;
  readonly child: ChildProcess;
  /** All it has written so far. */
  output(): string;
  /** Its event loop answers; throws after `limitMs`. */
  answers(limitMs?: number): Promise<void>;
  kill(): Promise<void>;
}

/** Writes `files` into a temporary folder and runs the first with Node; resolves when it has written `ready`. */
export async function startProgram(
  files: Record<string, string>,
  options: ProgramOptions = {},
): Promise<Program> {
  const folder = await mkdtemp(join(tmpdir(), 'hotpatch-test-'));
  for (const [name, text] of Object.entries(files))
    await writeFile(join(folder, name), text, { mode: 0o644 });
  const child = spawn(
    options.node ?? process.execPath,
    [...(options.flags ?? []), join(folder, Object.keys(files)[0]!)],
    {
      cwd: folder,
      env: { ...process.env, NODE_OPTIONS: '', ...options.env },
      stdio: 'pipe',
      ...(options.uid !== undefined && { uid: options.uid }),
    },
  );
  let text = '';
  child.stdout.on('data', (chunk) => (text += String(chunk)));
  child.stderr.on('data', (chunk) => (text += String(chunk)));
  child.stdin.on('error', () => {});
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  let pings = 0;
  const program: Program = {
    pid: child.pid!,
    folder,
    child,
    output: () => text,
    answers: async (limitMs = 5000) => {
      const id = ++pings;
      child.stdin.write(`ping ${id}\n`);
      await until(`an answer; it said:\n${text}`, () => text.includes(`pong ${id}\n`), limitMs);
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
    [Symbol.asyncDispose]: async () => {
      await program.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    await until('ready', () => text.includes('ready\n'), 10_000);
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw new Error(`${String(error)}; it said:\n${text}`);
  }
  return program;
}

/** Waits for a condition; throws after `limitMs`. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  limitMs = 10_000,
): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited ${limitMs} ms for ${what}`);
    await delay(10);
  }
}

/** True when somebody listens on this port of 127.0.0.1 (Linux). */
export function isListening(port: number): boolean {
  const address = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`;
  return readFileSync('/proc/net/tcp', 'utf8').includes(address);
}

/** A fresh private folder for the time of a test, in HOTPATCH_DIR. */
export async function usePrivateFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const before = process.env['HOTPATCH_DIR'];
  const path = await mkdtemp(join(tmpdir(), 'hp-'));
  process.env['HOTPATCH_DIR'] = path;
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      if (before === undefined) delete process.env['HOTPATCH_DIR'];
      else process.env['HOTPATCH_DIR'] = before;
      await rm(path, { recursive: true, force: true });
    },
  };
}

/** Nodes to try: the one that runs the tests, and those that HOTPATCH_TEST_NODES names (paths, separated by `:`). */
export const nodes: readonly string[] = process.env['HOTPATCH_TEST_NODES']?.split(':') ?? [process.execPath];

/** A Node of this major version, or null when there is none. */
export function nodeOf(major: number): string | null {
  return nodes.find((path) => new RegExp(`node-?${major}\\b`).test(path)) ?? null;
}
