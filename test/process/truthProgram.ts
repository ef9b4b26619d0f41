import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** What every way of reaching the function gave: `old`, `new`, or whatever the edited text says. */
export type Ways = Readonly<Record<string, unknown>>;

/** One process that hosts many small programs, each in a folder of its own, loaded and called on request. */
export interface Host extends AsyncDisposable {
  readonly pid: number;
  /** Writes the files of a program into a folder of its own and returns that folder. */
  write(name: string, files: Readonly<Record<string, string>>): Promise<string>;
  /** Loads a module of the host's process; it exports `probe`. */
  load(file: string): Promise<void>;
  /** Calls its `probe` and waits for what that gives. */
  probe(file: string): Promise<Ways>;
}

const HOST = `
const programs = new Map();
process.on('message', async ({ id, load, probe }) => {
  let answer;
  try {
    if (load) {
      const program = await import(load);
      programs.set(load, program.probe ?? program.default.probe);
    }
    answer = { value: probe ? await programs.get(probe)() : {} };
  } catch (error) {
    answer = { error: String(error?.stack ?? error) };
  }
  process.send({ id, ...answer });
});
process.send({ id: 0 });
`;

interface Answer {
  readonly id: number;
  readonly value?: Ways;
  readonly error?: string;
}

/** Starts the host on a Node; its process is killed and its files removed when disposed. */
export async function startHost(node: string, flags: readonly string[] = []): Promise<Host> {
  const folder = await mkdtemp(join(tmpdir(), 'hotpatch-truth-'));
  const main = join(folder, 'host.mjs');
  await writeFile(main, HOST);
  const env = { ...process.env, NODE_OPTIONS: '' };
  const child = fork(main, { execPath: node, execArgv: [...flags], env, stdio: 'pipe' });
  let output = '';
  child.stdout!.on('data', (chunk) => (output += String(chunk)));
  child.stderr!.on('data', (chunk) => (output += String(chunk)));
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the process ended (${String(signal ?? code)}):\n${output}`);
  });
  ended.catch(() => {});
  const ask = asker(child, ended);
  const host: Host = {
    pid: child.pid!,
    write: async (name, files) => {
      for (const [path, text] of Object.entries(files)) {
        const file = join(folder, name, path);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, text);
      }
      return join(folder, name);
    },
    load: async (file) => void (await ask({ load: pathToFileURL(file).href })),
    probe: (file) => ask({ probe: pathToFileURL(file).href }),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended.catch(() => {});
      await rm(folder, { recursive: true, force: true });
    },
  };
  await Promise.race([once(child, 'message'), ended]);
  return host;
}

function asker(child: ChildProcess, ended: Promise<never>) {
  let last = 0;
  const waiting = new Map<number, (answer: Answer) => void>();
  child.on('message', (answer: Answer) => waiting.get(answer.id)?.(answer));
  return async (question: object): Promise<Ways> => {
    const id = ++last;
    const answered = new Promise<Answer>((resolve) => waiting.set(id, resolve));
    child.send({ id, ...question });
    const { value, error } = await Promise.race([answered, ended]);
    waiting.delete(id);
    if (error !== undefined) throw new Error(`the program threw: ${error}`);
    return value ?? {};
  };
}
