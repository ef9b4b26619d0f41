import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { NodeBinary } from '../support/nodes.ts';
import { startProgram } from '../support/program.ts';

/** What every way of reaching the function gave: `old`, `new`, or whatever the edited text says. */
export type Ways = Readonly<Record<string, unknown>>;

/** One process that hosts many small programs, each in a folder of its own, loaded and called on request. */
export interface Host extends AsyncDisposable {
  readonly pid: number;
  /** Writes the files of a program into a folder of its own and returns that folder. */
  write(name: string, files: Readonly<Record<string, string>>): Promise<string>;
  /** Calls the `probe` that a module exports, which is loaded at its first call. */
  probe(file: string): Promise<Ways>;
}

const HOST = `
import { createServer } from 'node:http';
const server = createServer(async (request, response) => {
  try {
    const program = await import(decodeURIComponent(request.url.slice(1)));
    response.end(JSON.stringify(await (program.probe ?? program.default.probe)()));
  } catch (error) {
    response.statusCode = 500;
    response.end(String(error?.stack ?? error));
  }
});
server.listen(0, '127.0.0.1', () => console.log('listening ' + server.address().port));
`;

export async function startHost(node: NodeBinary): Promise<Host> {
  const program = await startProgram({ 'host.mjs': HOST }, { node });
  await program.waitForOutput(/^listening/);
  return {
    pid: program.pid,
    write: async (name, files) => {
      for (const [path, text] of Object.entries(files)) {
        const file = join(program.folder, name, path);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, text);
      }
      return join(program.folder, name);
    },
    probe: async (file) => {
      const response = await program
        .fetch(`/${encodeURIComponent(pathToFileURL(file).href)}`)
        .catch((error) => {
          throw new Error(`the program does not answer: ${program.stderr}`, { cause: error });
        });
      const text = await response.text();
      if (!response.ok) throw new Error(`the program threw: ${text}`);
      return JSON.parse(text) as Ways;
    },
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}
