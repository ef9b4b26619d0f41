import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import ts from 'typescript';
import { Session } from '../../extension/session/session.ts';
import { agentSource } from '../support/attached.ts';
import { nodeOfMajor } from '../support/nodes.ts';
import { startHost, type Host } from './truthProgram.ts';

/** Ordinary TypeScript: what the other scripts call is `probe` of main. */
const SOURCES: Readonly<Record<string, string>> = {
  'helper.ts': `
export const LIMIT: number = 3;
export enum Level { Low, High }
export function mark(text: string): string { return text; }
export default function shout(text: string): string { return text; }
`,
  'subject.ts': `
import shout, { LIMIT, Level, mark } from './helper.js';
import * as all from './helper.js';
import { EventEmitter } from 'node:events';

interface Options { readonly level?: Level }

export const bus = new EventEmitter();

/** Direct. */
export function plain(text: string, options?: Options): string {
  return mark(text) + (options?.level ?? LIMIT);
}

export class Shop {
  readonly #name: string;
  constructor(name: string, private readonly limit: number = LIMIT) {
    this.#name = name;
  }
  title(this: Shop): string {
    return \`\${this.#name}:\${this.limit}\`;
  }
  async later(): Promise<string> {
    await null;
    return shout(this.title());
  }
}

export const arrow = (text: string): string => {
  return all.mark(text);
};

bus.on('x', (out: string[]) => {
  out.push(mark('listener'));
});

export function levels(): string {
  return Level[Level.High]!;
}
`,
  'main.ts': `
import { arrow, bus, levels, plain, Shop } from './subject.js';
const shop = new Shop('shop');
export async function probe() {
  const out: string[] = [];
  bus.emit('x', out);
  return { plain: plain('p'), title: shop.title(), later: await shop.later(), arrow: arrow('a'), listener: out[0], levels: levels() };
}
`,
};

interface Edit {
  readonly function: string;
  readonly from: string;
  readonly to: string;
  /** What the way gives once it is applied. */
  readonly way: readonly [string, string];
}

const EDITS: readonly Edit[] = [
  { function: 'plain', from: 'mark(text) + (', to: "mark(text + '!') + (", way: ['plain', 'p!3'] },
  { function: 'Shop.title', from: ':${this.limit}', to: '/${this.limit}', way: ['title', 'shop/3'] },
  {
    function: 'Shop.later',
    from: 'shout(this.title())',
    to: "mark(this.title()) + '?'",
    way: ['later', 'shop:3?'],
  },
  { function: 'arrow', from: 'all.mark(text)', to: "all.mark(text + '!')", way: ['arrow', 'a!'] },
  { function: "bus.on('x')", from: "mark('listener')", to: "mark('heard')", way: ['listener', 'heard'] },
  { function: 'levels', from: 'Level.High', to: 'Level.Low', way: ['levels', 'Low'] },
];

type Compile = (name: string, text: string) => Readonly<Record<string, string>>;

function tsc(options: ts.CompilerOptions): Compile {
  return (name, text) => {
    const { outputText, sourceMapText } = ts.transpileModule(text, {
      fileName: name,
      compilerOptions: { target: ts.ScriptTarget.ES2022, sourceMap: true, esModuleInterop: true, ...options },
    });
    const out = name.replace('.ts', '.js');
    return { [name]: text, [out]: outputText, ...(sourceMapText ? { [`${out}.map`]: sourceMapText } : {}) };
  };
}

function esbuild(format: 'cjs' | 'esm'): Compile {
  return (name, text) => {
    const { code } = transformSync(text, {
      loader: 'ts',
      format,
      sourcefile: name,
      sourcemap: 'inline',
      target: 'es2022',
    });
    return { [name]: text, [name.replace('.ts', '.js')]: code };
  };
}

const { CommonJS, ESNext } = ts.ModuleKind;
const BUILDS: readonly {
  name: string;
  type: string;
  compile: Compile;
  refuses?: Readonly<Record<string, string>>;
}[] = [
  {
    name: 'tsc, CommonJS, inlineSources',
    type: 'commonjs',
    compile: tsc({ module: CommonJS, inlineSources: true }),
  },
  { name: 'tsc, CommonJS, sourceMap only', type: 'commonjs', compile: tsc({ module: CommonJS }) },
  {
    name: 'tsc, ES modules, inlineSources',
    type: 'module',
    compile: tsc({ module: ESNext, inlineSources: true }),
  },
  { name: 'tsc, ES modules, sourceMap only', type: 'module', compile: tsc({ module: ESNext }) },
  { name: 'esbuild, CommonJS', type: 'commonjs', compile: esbuild('cjs') },
  { name: 'esbuild, ES modules', type: 'module', compile: esbuild('esm') },
];

describe('what is applied is applied: compiled TypeScript', () => {
  for (const { name, type, compile } of BUILDS) {
    describe(name, () => {
      let host: Host;
      let session: Session;
      let folder: string;
      before(async () => {
        host = await startHost(nodeOfMajor(22));
        const options = `{ "compilerOptions": { "target": "ES2022" } }`;
        const compiled = Object.entries(SOURCES).map(([file, text]) => compile(file, text));
        folder = await host.write('app', {
          ...Object.assign({}, ...compiled),
          'package.json': `{ "type": "${type}" }`,
          'tsconfig.json': options,
        });
        session = await Session.attach(host.pid, { agentSource: agentSource() });
      });
      after(async () => {
        session?.close();
        await host?.[Symbol.asyncDispose]();
      });
      for (const edit of EDITS) it(edit.function, () => check(host, session, folder, edit));
    });
  }
});

describe('what is applied is applied: types stripped by Node 24', () => {
  const files = {
    'stripped/package.json': '{ "type": "module" }',
    'stripped/helper.ts': 'export type T = string;\nexport function mark(text: T): T { return text; }\n',
    'stripped/subject.ts': `import { mark, type T } from './helper.ts';
interface Shape { readonly x: number }
export function plain(text: T, shape?: Shape): T {
  return mark(text) + String(shape?.x ?? 3);
}
export class Shop {
  #name: T;
  constructor(name: T) { this.#name = name; }
  title(this: Shop): T { return this.#name as T; }
}
export const arrow = <X extends T>(text: X): T => {
  return mark(text) satisfies T;
};
`,
    'stripped/main.ts': `import { arrow, plain, Shop } from './subject.ts';
const shop: Shop = new Shop('shop');
export const probe = () => ({ plain: plain('p'), title: shop.title(), arrow: arrow('a') });
`,
  };
  let host: Host;
  let session: Session;
  let folder: string;
  before(async () => {
    host = await startHost(nodeOfMajor(24));
    folder = join(await host.write('.', files), 'stripped');
    session = await Session.attach(host.pid, { agentSource: agentSource() });
  });
  after(async () => {
    session?.close();
    await host?.[Symbol.asyncDispose]();
  });
  const edits: readonly Edit[] = [
    { function: 'plain', from: 'mark(text) +', to: "mark(text + '!') +", way: ['plain', 'p!3'] },
    { function: 'Shop.title', from: 'this.#name as T', to: '`${this.#name}!` as T', way: ['title', 'shop!'] },
    {
      function: 'arrow',
      from: 'mark(text) satisfies',
      to: "mark(text + '!') satisfies",
      way: ['arrow', 'a!'],
    },
  ];
  for (const edit of edits) it(edit.function, () => check(host, session, folder, edit, 'main.ts'));
});

async function check(
  host: Host,
  session: Session,
  folder: string,
  edit: Edit,
  entry = 'main.js',
): Promise<void> {
  const main = join(folder, entry);
  const original = await host.probe(main);
  const file = join(folder, 'subject.ts');
  const source = await readFile(file, 'utf8');
  const text = source.replace(edit.from, () => edit.to);
  assert.notEqual(text, source);
  let settled = false;
  const patching = session
    .patch({ file, text, functions: [edit.function], allowLiveEdit: true })
    .finally(() => (settled = true));
  patching.catch(() => {});
  while (!settled) await host.probe(main);
  const { targets, patchId } = await patching;
  const [way, wanted] = edit.way;
  assert.deepEqual(
    targets.map(({ status, reason }) => `${status} ${reason ?? ''}`),
    ['applied '],
    edit.function,
  );
  const after = await host.probe(main);
  assert.equal(after[way], wanted);
  await session.unload([patchId!]);
  assert.deepEqual(await host.probe(main), original);
}
