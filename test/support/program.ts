import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { ordinaryEnvironment } from './environment.ts';
import { type Keeper, startKeeper } from './keeper.ts';
import { type NodeBinary, runningNode } from './nodes.ts';

/** How a program is started. The default is what a user types: `node main.js`. */
export interface ProgramOptions {
  /** Default: the Node that runs the tests. */
  readonly node?: NodeBinary;
  /** Relative to the folder. Default: the first of the files; `main.js` in a folder that was there. */
  readonly entry?: string;
  /** Arguments of the program. */
  readonly args?: readonly string[];
  /** Arguments of Node, before the entry. Default: none. */
  readonly nodeArgs?: readonly string[];
  /** Added to the environment of the tests. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: the folder of the files. */
  readonly cwd?: string;
  /** Runs as this user and the group of the same number. Needs root. */
  readonly uid?: number;
}

/** How a program ended; one of the two is null. */
export interface ProgramExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running Node process. Disposing of it kills it and what it started, and removes its fresh folder. */
export interface Program extends AsyncDisposable {
  readonly pid: number;
  /** Where its files are, absolute. */
  readonly folder: string;
  /** All it has printed so far. */
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves when it has ended and `stdout` and `stderr` are complete. Never rejects. */
  readonly exited: Promise<ProgramExit>;
  /** The absolute path of one of its files. */
  path(file: string): string;
  /**
   * Waits until one of its two streams matches; at once when it has matched already.
   * @throws with all it printed, when it ends first or after `withinMs` (default 10 000)
   */
  waitForOutput(pattern: RegExp, withinMs?: number): Promise<RegExpExecArray>;
  /** The same, in what it prints from now on. */
  waitForNewOutput(pattern: RegExp, withinMs?: number): Promise<RegExpExecArray>;
  /** Asks its HTTP server, once it has printed `listening <port>`. `path` starts with a slash. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
}

/**
 * Starts a program under a real Node, as an ordinary process.
 * @param files name to text, written into a fresh folder; or the path of a folder, which stays as it is
 * @throws when Node cannot be started
 */
export async function startProgram(
  files: Readonly<Record<string, string>> | string,
  options: ProgramOptions = {},
): Promise<Program> {
  if (typeof files === 'string') return startIn(resolve(files), options.entry ?? 'main.js', options);

  const entry = options.entry ?? Object.keys(files)[0];
  if (entry === undefined) throw new Error('A program needs at least one file');
  const folder = await mkdtemp(join(tmpdir(), 'hotpatch-program-'));
  keeper().remove(folder);
  const removeFolder = async () => {
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
    keeper().removed(folder);
  };
  try {
    await writeFiles(folder, files);
    if (options.uid !== undefined) await handOver(folder, options.uid);
    return await startIn(folder, entry, options, removeFolder);
  } catch (error) {
    await removeFolder();
    throw error;
  }
}

async function startIn(
  folder: string,
  entry: string,
  options: ProgramOptions,
  cleanUp: () => Promise<void> = async () => {},
): Promise<Program> {
  const { node = runningNode, nodeArgs = [], args = [], env, cwd = folder, uid } = options;
  const child = spawn(node.path, [...nodeArgs, join(folder, entry), ...args], {
    cwd,
    env: { ...ordinaryEnvironment(), ...env },
    // A group of its own, so that what it starts can be ended together with it.
    detached: process.platform !== 'win32',
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  const printed = { stdout: '', stderr: '' };
  const watchers = new Set<() => void>();
  let ended: ProgramExit | undefined;
  const notify = () => watchers.forEach((watch) => watch());
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      printed[stream] += text;
      notify();
    });
  }
  // 'close' comes after 'exit', when the streams have been read to their end.
  const exited = new Promise<ProgramExit>((done) => {
    child.on('close', (code, signal) => {
      ended = { code, signal };
      done(ended);
      notify();
    });
  });
  await once(child, 'spawn');
  const pid = child.pid!;
  keeper().hold(pid);

  const report = () => `\n--- stdout\n${printed.stdout}\n--- stderr\n${printed.stderr}`;

  function waitFor(pattern: RegExp, from: { stdout: number; stderr: number }, withinMs: number) {
    return new Promise<RegExpExecArray>((done, fail) => {
      const settle = (act: () => void) => {
        watchers.delete(look);
        clearTimeout(timer);
        act();
      };
      const look = () => {
        const match = exec(pattern, printed.stdout.slice(from.stdout), printed.stderr.slice(from.stderr));
        if (match) return settle(() => done(match));
        if (!ended) return;
        const how = ended.signal ?? `code ${ended.code}`;
        settle(() =>
          fail(new Error(`The program ended with ${how} before it printed ${pattern}${report()}`)),
        );
      };
      const timer = setTimeout(
        () =>
          settle(() => fail(new Error(`The program printed no ${pattern} within ${withinMs} ms${report()}`))),
        withinMs,
      );
      watchers.add(look);
      look();
    });
  }

  const waitForOutput = (pattern: RegExp, withinMs = 10_000) =>
    waitFor(pattern, { stdout: 0, stderr: 0 }, withinMs);

  return {
    pid,
    folder,
    get stdout() {
      return printed.stdout;
    },
    get stderr() {
      return printed.stderr;
    },
    exited,
    path: (file) => join(folder, file),
    waitForOutput,
    waitForNewOutput: (pattern, withinMs = 10_000) =>
      waitFor(pattern, { stdout: printed.stdout.length, stderr: printed.stderr.length }, withinMs),
    async fetch(path, init) {
      const [, port] = await waitForOutput(/^listening (\d+)$/m);
      return fetch(`http://127.0.0.1:${port}${path}`, init);
    },
    async [Symbol.asyncDispose]() {
      kill(pid);
      // Else a grandchild with a session of its own could hold them open, and 'close' would not come.
      child.stdout.destroy();
      child.stderr.destroy();
      await exited;
      keeper().release(pid);
      await cleanUp();
    },
  };
}

/** One for all programs of this process: starting one costs as much as starting a program. */
let shared: Keeper | undefined;
function keeper(): Keeper {
  return (shared ??= startKeeper());
}

async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const file = join(folder, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

/** Lets another user into a folder that mkdtemp made for this one alone. */
async function handOver(folder: string, uid: number): Promise<void> {
  await chmod(folder, 0o755);
  await chown(folder, uid, uid);
}

function exec(pattern: RegExp, ...texts: string[]): RegExpExecArray | undefined {
  // A pattern with the g flag would remember where it stopped.
  const stateless = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
  for (const text of texts) {
    const match = stateless.exec(text);
    if (match) return match;
  }
  return undefined;
}

/** SIGKILL, which no program can refuse, for the whole group. */
function kill(pid: number): void {
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}
