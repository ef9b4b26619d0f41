import type { Endpoint } from './process.ts';

/** Where Node opens its inspector when nothing else is said (src/node_options.h, kDefaultInspectorPort). */
const DEFAULT: Endpoint = { host: '127.0.0.1', port: 9229 };

/** What a Node command line says about entry. */
export interface NodeFlags {
  /** Where the inspector is or will be. Port 0: any free one. */
  readonly inspector: Endpoint;
  /** `--inspect`, `--inspect-brk` or `--inspect-wait` was given: it was open from the start. */
  readonly opened: boolean;
  /** The option because of which SIGUSR1 is not listened to, if one was given. */
  readonly refuses: string | null;
  /** The program, null for a REPL or `-e`. */
  readonly script: string | null;
}

/** Options whose value is the next argument when it does not follow a `=` (node --help, Node 20 to 26). */
const takesValue = new Set([
  '-r', '--require', '--import', '--loader', '--experimental-loader', '-e', '--eval', '-p', '--print', '-pe', '-C',
  '--conditions', '--inspect-port', '--debug-port', '--title', '--input-type', '--env-file', '--icu-data-dir',
  '--openssl-config', '--diagnostic-dir', '--redirect-warnings', '--disable-warning', '--dns-result-order',
  '--unhandled-rejections', '--max-http-header-size', '--stack-trace-limit', '--watch-path', '--report-dir',
  '--report-directory', '--cpu-prof-dir', '--heap-prof-dir', '--test-reporter', '--test-name-pattern',
]); // prettier-ignore

const evaluates = new Set(['-e', '--eval', '-p', '--print', '-pe']);

/**
 * Reads a Node command line, `args[0]` being the executable, and NODE_OPTIONS (split at blanks, quotes honoured as
 * Node does). Options of the command line win. A process that set `process.title` has lost its arguments; then the
 * defaults come out.
 */
export function nodeFlags(args: readonly string[], nodeOptions: string | null): NodeFlags {
  let inspector = DEFAULT;
  let opened = false;
  let refuses: string | null = null;
  let allowed = false;
  const option = (argument: string, next: string | undefined): void => {
    const [name = '', value] = splitOnce(argument);
    if (/^--inspect(-brk|-wait|-brk-node)?$/.test(name)) {
      opened = true;
      if (value !== undefined) inspector = endpointOf(value, inspector);
    }
    if (name === '--inspect-port' || name === '--debug-port')
      inspector = endpointOf(value ?? next ?? '', inspector);
    if (name === '--disable-sigusr1' || name === '--permission' || name === '--experimental-permission')
      refuses = name;
    if (name === '--allow-inspector') allowed = true;
  };

  const inherited = splitNodeOptions(nodeOptions ?? '');
  inherited.forEach((argument, at) => option(argument, inherited[at + 1]));
  let script: string | null = null;
  let evaluated = false;
  for (let at = 1; at < args.length; at++) {
    const argument = args[at]!;
    if (!argument.startsWith('-') || argument === '-') {
      if (argument !== '-' && argument !== '') script = argument;
      break;
    }
    if (argument === '--') {
      script = args[at + 1] ?? null;
      break;
    }
    if (evaluates.has(argument)) evaluated = true;
    option(argument, args[at + 1]);
    if (takesValue.has(argument)) at++;
  }
  // Measured on Node 24 and 26: with --allow-inspector, --permission leaves SIGUSR1 as it was.
  if (allowed && refuses !== '--disable-sigusr1') refuses = null;
  return { inspector, opened, refuses, script: evaluated ? null : script };
}

/** True for the executable of Node: `node`, `nodejs`, `node-22`, `node20.exe`; Linux adds ` (deleted)` after an update. */
export function isNodeExecutable(path: string): boolean {
  const name =
    path
      .replace(/ \(deleted\)$/, '')
      .split(/[\\/]/)
      .pop() ?? '';
  return /^node(js)?([-_.]?v?\d[\d.]*)?(\.exe)?$/i.test(name);
}

function splitOnce(argument: string): [string, string | undefined] {
  const at = argument.indexOf('=');
  return at < 0 ? [argument, undefined] : [argument.slice(0, at), argument.slice(at + 1)];
}

/** `9230`, `host`, `host:9230`, `[::1]:9230`; what is missing is taken from `base`. */
function endpointOf(text: string, base: Endpoint): Endpoint {
  if (/^\d+$/.test(text)) return { host: base.host, port: Number(text) };
  const match = /^(\[[^\]]+\]|[^:]*)(?::(\d+))?$/.exec(text);
  if (!match) return base;
  const host = match[1]!.replace(/^\[|\]$/g, '');
  const named = host === 'localhost' ? '127.0.0.1' : host;
  return { host: named || base.host, port: match[2] === undefined ? base.port : Number(match[2]) };
}

/** Blanks separate, double quotes hold together, a backslash inside quotes escapes (Node's ParseNodeOptionsEnvVar). */
function splitNodeOptions(text: string): string[] {
  const found: string[] = [];
  for (const match of text.matchAll(/(?:"(?:\\.|[^"\\])*"|[^\s"])+/g)) {
    found.push(match[0].replace(/"((?:\\.|[^"\\])*)"/g, (_, inner: string) => inner.replace(/\\(.)/g, '$1')));
  }
  return found;
}
