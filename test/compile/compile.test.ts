import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CODES } from '../../agent/protocol.ts';
import { compile, isScript, readSource } from '../../extension/compile/compile.ts';
import { locate } from '../../extension/compile/locate.ts';
import { HotPatchError } from '../../extension/patch/error.ts';

/** A folder of files, gone at the end of the block. */
async function folderOf(files: Readonly<Record<string, string>>) {
  const path = await mkdtemp(join(tmpdir(), 'hotpatch-compile-'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

async function check(file: string, source: string, expected: string, tsconfig = '{}'): Promise<void> {
  await using folder = await folderOf({ 'tsconfig.json': tsconfig });
  const { text } = await compile(join(folder.path, file), source);
  assert.equal(text.trim(), expected);
}

async function checkError(work: Promise<unknown>, code: string, data: object = {}): Promise<void> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof HotPatchError, String(error));
  assert.equal(error.code, code);
  for (const [key, value] of Object.entries(data)) assert.equal(error.data[key], value, key);
}

describe('compile', () => {
  it('leaves JavaScript as it is', () => check('a.js', 'function f( ) {}', 'function f( ) {}'));
  it('takes types away and leaves imports', async () => {
    await check(
      'a.ts',
      "import { x } from './x';\nexport const f = (a: number): number => x(a);",
      'import { x } from "./x";\nexport const f = (a) => x(a);',
    );
  });
  it('follows the tsconfig', async () => {
    const source = 'class A { x = 1; }';
    await check('a.ts', source, 'class A {\n  x = 1;\n}', '{ "compilerOptions": { "target": "ES2022" } }');
    await check(
      'a.ts',
      source,
      'class A {\n  constructor() {\n    this.x = 1;\n  }\n}',
      '{ "compilerOptions": { "target": "ES2020" } }',
    );
  });
  it('knows the lines of the source', async () => {
    await using folder = await folderOf({});
    const source = 'type T = number;\n\ninterface I {}\nfunction f(): T {\n  return 1;\n}\n';
    const { text, lineAt } = await compile(join(folder.path, 'a.ts'), source);
    assert.equal(lineAt(text.indexOf('function f')), 4);
    assert.equal(lineAt(text.indexOf('return 1')), 5);
  });
  it('names the place of a syntax error', async () => {
    await using folder = await folderOf({});
    const file = join(folder.path, 'a.ts');
    await checkError(compile(file, 'function f() {\n  return (;\n}'), CODES.syntaxError, {
      file,
      line: 2,
      column: 11,
    });
  });
  it('refuses what it cannot use', async () => {
    assert.equal(isScript('a.css'), false);
    await checkError(readSource('a.css'), CODES.notScript);
    await checkError(readSource(join(tmpdir(), 'hotpatch-none', 'a.ts')), CODES.fileUnreadable, {
      reason: 'ENOENT',
    });
    await using folder = await folderOf({ 'tsconfig.json': '{ "extends": "./none.json" }' });
    await checkError(compile(join(folder.path, 'a.ts'), 'let x: number;'), CODES.badConfig);
  });
});

describe('locate', () => {
  const info = (url: string, sourceMapUrl = '') => ({ url, sourceMapUrl, isModule: false, copies: 1 });
  const whole = (scripts: readonly { url: string; sourceMapUrl: string }[]) => (url: string) =>
    Promise.resolve(scripts.find((script) => script.url === url)?.sourceMapUrl ?? '');

  it('finds the file itself, or the script whose map names it', async () => {
    const map = (content?: string) =>
      JSON.stringify({
        version: 3,
        sources: ['a.ts'],
        mappings: 'AAAA',
        ...(content ? { sourcesContent: [content] } : {}),
      });
    await using folder = await folderOf({ 'a.ts': 'source', 'a.js': '', 'b.js': '', 'a.js.map': map() });
    const url = (name: string) => pathToFileURL(join(folder.path, name)).href;
    const file = join(folder.path, 'a.ts');

    const itself = [info(url('a.ts'))];
    assert.deepEqual(await locate(file, itself, whole(itself)), {
      url: url('a.ts'),
      isItself: true,
      baselineSource: null,
      copies: 1,
    });
    const beside = [info(url('b.js')), info(url('a.js'), 'a.js.map')];
    assert.deepEqual(await locate(file, beside, whole(beside)), {
      url: url('a.js'),
      isItself: false,
      baselineSource: null,
      copies: 1,
    });
    const data = `data:application/json;base64,${Buffer.from(map('text')).toString('base64')}`;
    const inline = [info(url('b.js'), data)];
    assert.deepEqual(await locate(file, inline, whole(inline)), {
      url: url('b.js'),
      isItself: false,
      baselineSource: 'text',
      copies: 1,
    });
    assert.equal(await locate(file, [info(url('b.js'))], whole([])), null);
  });
});
