import { parseArgs } from 'node:util';
import { CODES } from '../../agent/protocol.ts';
import { HotPatchError } from '../patch/error.ts';

export const HELP = `Edit a function; the Node process that is already running runs the new one, its state kept.

  hotpatch ps [--json]                        Node processes that can be patched
  hotpatch patch FILE --pid PID [options]     load the edited functions of FILE into the process
    --function NAME                           only this one (again for more): f, Class.method, Class.#method, outer.inner
    --dry-run                                 say what would happen, change nothing
    --allow-live-edit                         also where V8 may crash the process afterwards (Node 24 and later)
    --wait SECONDS                            how long to wait for pending functions (default 2)
  hotpatch list --pid PID [--json]            what is loaded
  hotpatch unload ID|--all --pid PID [--json] take it back; ID or its first four characters or more
  hotpatch --help | --version

Exit status: 0 done, 1 anything else, 2 usage, 3 refused and nothing changed, 4 the process cannot be reached.
Every command takes --json: then stdout is one JSON value and nothing else. Errors go to stderr.
`;

/** A command line, understood. One interface per command, so that no option of another can be there. */
export type Command =
  | { readonly name: 'help' }
  | { readonly name: 'version' }
  | { readonly name: 'ps'; readonly json: boolean }
  | {
      readonly name: 'patch';
      readonly json: boolean;
      readonly pid: number;
      readonly file: string;
      readonly functions: readonly string[];
      readonly dryRun: boolean;
      readonly allowLiveEdit: boolean;
      readonly waitMs: number;
    }
  | { readonly name: 'list'; readonly json: boolean; readonly pid: number }
  | {
      readonly name: 'unload';
      readonly json: boolean;
      readonly pid: number;
      readonly ids: readonly string[] | 'all';
    };

const OPTIONS = {
  json: { type: 'boolean' },
  pid: { type: 'string' },
  function: { type: 'string', multiple: true },
  'dry-run': { type: 'boolean' },
  'allow-live-edit': { type: 'boolean' },
  wait: { type: 'string' },
  all: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const;

const ALLOWED: Readonly<Record<string, readonly (keyof typeof OPTIONS)[]>> = {
  ps: ['json'],
  patch: ['json', 'pid', 'function', 'dry-run', 'allow-live-edit', 'wait'],
  list: ['json', 'pid'],
  unload: ['json', 'pid', 'all'],
};

/** Understands the arguments after the program's name; throws `usage`. */
export function parseCommand(args: readonly string[]): Command {
  const { values, positionals } = parse(args);
  if (values.help) return { name: 'help' };
  if (values.version) return { name: 'version' };
  const [name, ...rest] = positionals;
  if (name === undefined) throw usage('No command was given.');
  const allowed = ALLOWED[name];
  if (!allowed) throw usage(`There is no command ${name}.`);
  for (const option of Object.keys(values)) {
    if (!allowed.includes(option as keyof typeof OPTIONS))
      throw usage(`hotpatch ${name} takes no --${option}.`);
  }
  const json = values.json ?? false;
  switch (name) {
    case 'ps':
      noMore(name, rest);
      return { name, json };
    case 'patch': {
      const [file, ...more] = rest;
      if (file === undefined) throw usage('hotpatch patch needs a FILE.');
      noMore(name, more);
      return {
        name,
        json,
        pid: pidOf(values.pid),
        file,
        functions: values.function ?? [],
        dryRun: values['dry-run'] ?? false,
        allowLiveEdit: values['allow-live-edit'] ?? false,
        waitMs: secondsOf(values.wait ?? '2') * 1000,
      };
    }
    case 'list':
      noMore(name, rest);
      return { name, json, pid: pidOf(values.pid) };
    default: {
      if (values.all ? rest.length > 0 : rest.length === 0)
        throw usage('hotpatch unload needs an ID or --all.');
      return { name: 'unload', json, pid: pidOf(values.pid), ids: values.all ? 'all' : rest };
    }
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
}

function pidOf(text: string | undefined): number {
  if (text === undefined) throw usage('--pid PID is missing.');
  const pid = Number(text);
  if (!Number.isInteger(pid) || pid <= 0) throw usage(`--pid ${text} is no process id.`);
  return pid;
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (!Number.isFinite(seconds) || seconds < 0 || text.trim() === '')
    throw usage(`--wait ${text} is no time.`);
  return seconds;
}

function noMore(name: string, rest: readonly string[]): void {
  if (rest.length > 0) throw usage(`hotpatch ${name} does not know what to do with ${rest.join(' ')}.`);
}

function usage(message: string): HotPatchError {
  return new HotPatchError(CODES.usage, { message });
}
