import assert from 'node:assert/strict';
import { read, isRefusal, select, type Choice } from '../../extension/patch/changes.ts';
import { codeName, reading, textsOf } from './texts.ts';

type Options = Parameters<typeof textsOf>[2];

/** Names of what is selected, or the code of each refusal. */
function check(
  before: string,
  after: string,
  expected: readonly string[],
  choice?: Choice,
  options?: Options,
): void {
  const selected = select(reading(before, after, options), choice ?? { kind: 'changed' });
  assert.deepEqual(
    selected.map((each) => (each.ok ? each.change.running.name : codeName(each.refusal.code))),
    expected,
  );
}

const at = (line: number): Choice => ({ kind: 'line', line });
const named = (...names: string[]): Choice => ({ kind: 'names', names });

describe('changes: what differs', () => {
  const nothing = ['nothingChanged'];
  it('is nothing for comments, layout and quotes', () => {
    check('function f() { return 1; }', 'function f() {\n  // why\n  return 1;\n}', nothing);
    check(
      "const s = 'a'; function f() { return 'b'; }",
      'const s = "a";\nfunction f() { return "b" }',
      nothing,
    );
    check('class A { m() { return (1); } }', 'class A {\n  m() {\n    return 1;\n  }\n}', nothing);
    check('const f = (x) => x;', 'const f = x => x', nothing);
    check('const o = { f: f };', 'const o = { f };', nothing);
    check('function f() { return 0x10; }', 'function f() { return 16; }', nothing);
  });
  it('is the function whose body differs', () => {
    check('function f() { return 1; }', 'function f() { return 2; }', ['f']);
    check('function f(a) {}', 'function f(a, b) {}', ['f']);
    check('function f() {}', 'async function f() {}', ['f']);
    check('class A { m() { return 1; } n() {} }', 'class A { m() { return 2; } n() {} }', ['A.m']);
    check('class A { #p() { return 1; } }', 'class A { #p() { return 2; } }', ['A.#p']);
    check('class A { get x() { return 1; } }', 'class A { get x() { return 2; } }', ['A.x']);
    check('const o = { m() { return 1; } };', 'const o = { m() { return 2; } };', ['o.m']);
    check("app.get('/x', () => { a(); });", "app.get('/x', () => { b(); });", ["app.get('/x')"]);
    check('function f() { return /a/g; }', 'function f() { return /a/; }', ['f']);
    check('function f() { return 1n; }', 'function f() { return 2n; }', ['f']);
    check('function f() { return `a${1}`; }', 'function f() { return `b${1}`; }', ['f']);
    check('function f() { return a?.b; }', 'function f() { return a.b; }', ['f']);
  });
  it('is the innermost function, and the callback that belongs to the one around it', () => {
    check(
      'function f() { function g() { return 1; } return g(); }',
      'function f() { function g() { return 2; } return g(); }',
      ['f.g'],
    );
    check('function f() { return xs.map((x) => x); }', 'function f() { return xs.map((x) => x + 1); }', [
      'f',
    ]);
  });
  it('is refused outside functions', () => {
    check('const K = 1;', 'const K = 2;', ['outsideFunctions']);
    check('class A { x = 1; m() {} }', 'class A { x = 2; m() {} }', ['outsideFunctions']);
    check('class A { m() {} }', 'class A { m() {} n() {} }', ['outsideFunctions']);
    check('a(); b();', 'a();', ['outsideFunctions']);
  });
});

describe('changes: what is chosen', () => {
  const before = 'function f() {\n  return 1;\n}\nclass A {\n  m() {\n    return 1;\n  }\n}\nlet x;\n';
  const after = before.replaceAll('return 1', 'return 2');
  it('by the cursor', () => {
    check(before, after, ['f'], at(2));
    check(before, after, ['A.m'], at(6));
    check(before, after, ['outsideFunctions'], at(9));
    const outer = 'function f() {\n  const g = () => {\n    return 1;\n  };\n  return g() + 1;\n}\n';
    check(outer, outer.replace('+ 1', '+ 2'), ['f'], at(3));
  });
  it('by name', () => {
    check(before, after, ['A.m'], named('A.m'));
    check(before, after, ['f', 'A.m'], named('f', 'A.m'));
    check(before, after, ['noSuchFunction'], named('g'));
    check(before, before, ['nothingChanged'], named('f'));
    check(before, `${after}function g() {}\n`, ['functionNotRunning'], named('g'));
    check(
      'f(); function f() { function g() { return 1; } g(); }',
      'f(); function f() { function g() { return 2; } g(); }',
      ['f.g'],
      named('f'),
    );
  });
  it('both halves of an accessor by one name', () => {
    const pair = 'class A { get x() { return 1; } set x(v) { this.y = 1; } }';
    check(pair, pair.replaceAll('1', '2'), ['A.x', 'A.x#2'], named('A.x'));
    check(pair, pair.replace('y = 1', 'y = 2'), ['A.x#2'], named('A.x'));
  });
  it('not where only the order tells which is which', () => {
    const two = "on('x', () => { a(); });\non('x', () => { b(); });\n";
    check(two, two.replace('b()', 'c()'), ["on('x')#2"]);
    check(two, `on('x', () => { z(); });\n${two}`, ['ambiguousFunction'], named("on('x')#2"));
    check(two, two.replace('b()', 'c()'), ['ambiguousFunction'], named("on('x')"));
  });
  it('names of Object.prototype are names', () => {
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf']) {
      const text = `function ${name}() { return 1; }`;
      check(text, text.replace('1', '2'), [name], named(name));
      check('function f() { return 1; }', 'function f() { return 2; }', ['noSuchFunction'], named(name));
    }
  });
});

describe('changes: compiled texts', () => {
  const tsc = [
    '"use strict";',
    'Object.defineProperty(exports, "__esModule", { value: true });',
    'exports.f = f;',
    'exports.g = g;',
    'const util_1 = require("./util");',
    'const fs = __importStar(require("node:fs"));',
    'const lib_1 = __importDefault(require("lib"));',
    'function f(x) { return (0, util_1.helper)(x) + util_1.LIMIT; }',
    'function g(x) { return (0, lib_1.default)(x) ?? fs.readFileSync(x); }',
    '',
  ].join('\n');
  const esbuild = [
    'import { helper, LIMIT } from "./util";',
    'import * as fs from "node:fs";',
    'import lib from "lib";',
    'export function f(x) {\n  return helper(x) + LIMIT;\n}',
    'export function g(x) {\n  return lib(x) ?? fs.readFileSync(x);\n}',
    '',
  ].join('\n');
  const edit = (text: string) => esbuild.replace('helper(x) + LIMIT', text);

  it('are the same for tsc and esbuild, names learned', () => {
    check(tsc, esbuild, ['nothingChanged'], undefined, { baseline: esbuild });
    check(tsc, edit('helper(x) - LIMIT'), ['f'], undefined, { baseline: esbuild });
    check(tsc, edit('lib(x)'), ['f'], undefined, { baseline: esbuild });
    const { names } = reading(tsc, edit('helper(x)'), { baseline: esbuild });
    assert.deepEqual(Object.fromEntries(names.names), {
      helper: 'util_1.helper',
      LIMIT: 'util_1.LIMIT',
      lib: 'lib_1.default',
    });
  });
  // tsc keeps exported variables in `exports` alone; only the edited function uses this one.
  it('know what an exported variable is called, though no unchanged function uses it', () => {
    const running =
      'exports.RATE = void 0;\nexports.f = f;\nexports.RATE = 2;\nfunction f(x) { return x * exports.RATE; }\n';
    const compiled = 'export const RATE = 2;\nexport function f(x) {\n  return x * RATE + 1;\n}\n';
    check(running, compiled, ['f'], undefined, { baseline: null });
    assert.equal(reading(running, compiled, { baseline: null }).names.get('RATE'), 'exports.RATE');
  });
  it('are another compiler where a function does not come out as it runs', () => {
    const old = tsc.replace('?? fs', '!== null && void 0 !== fs');
    check(old, esbuild.replace('??', '||'), ['otherCompiler'], named('g'), { baseline: esbuild });
    check(old, edit('helper(x)'), ['f'], named('f'), { baseline: esbuild });
  });
  it('enums and parameter properties', () => {
    const running =
      'var E; (function (E) { E[E["A"] = 0] = "A"; })(E || (E = {}));\nclass A { constructor(x) { this.x = x; } m() { return E.A; } }';
    const compiled =
      'var E = /* @__PURE__ */ ((E2) => { E2[E2["A"] = 0] = "A"; return E2; })(E || {});\nclass A { constructor(x) { this.x = x; } m() { return E.A; } }';
    check(running, compiled.replace('return E.A', 'return E.A + 1'), ['A.m'], named('A.m'), {
      baseline: compiled,
    });
  });
});

describe('changes: texts that are none', () => {
  it('a syntax error has its place', () => {
    const result = read(textsOf('function f() {}', 'function f() {\n  return (;\n}'));
    assert.ok(isRefusal(result));
    assert.equal(codeName(result.code), 'syntaxError');
    assert.deepEqual([result.data['line'], result.data['column']], [2, 11]);
  });
});
