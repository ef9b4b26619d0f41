import assert from 'node:assert/strict';
import { functionsOf } from '../../extension/patch/functions.ts';
import { namesLeadingTo, referencesTo } from '../../extension/patch/references.ts';
import { parsed } from './texts.ts';

const HOME = 'file:///app/src/a.js';

interface Case {
  /** Other scripts by path below /app/src. */
  readonly others?: Readonly<Record<string, string>>;
  readonly isModule?: boolean;
  readonly name?: string;
}

/** Who keeps a function: nobody (null), or `script:line`. */
function check(
  text: string,
  expected: string | null,
  { others = {}, isModule = false, name = 'f' }: Case = {},
): void {
  const home = { parsed: parsed(text, isModule), url: HOME };
  const unit = functionsOf(home.parsed).find((each) => each.name === name);
  assert.ok(unit, `${name} is there`);
  const mentions = Object.entries(others).map(([path, own]) => ({
    url: `file:///app/src/${path}`,
    text: own,
  }));
  const { taken } = referencesTo(home, unit, mentions);
  assert.equal(taken && `${taken.url.replace('file:///app/src/', '')}:${taken.line}`, expected, text);
}

describe('references: in the script itself', () => {
  const here = 'a.js:1';
  it('calls keep nothing', () => {
    for (const use of [
      'f();',
      'f?.();',
      'f.call(a);',
      'f.apply(a, b);',
      'typeof f;',
      'f`x`;',
      '(0, f)(x);',
      'if (f) f();',
    ])
      check(`function f() {} ${use}`, null);
    for (const use of ['xs.map(f);', 'p.then(f);', 'f && f();', 'const n = f.name;', '(a ? f : g)();'])
      check(`function f() {} ${use}`, null);
  });
  it('anything else may', () => {
    for (const use of [
      "app.get('/', f);",
      'setTimeout(f, 1);',
      'new f();',
      'const g = f;',
      'f.bind(a);',
      'x = [f];',
    ])
      check(`function f() {} ${use}`, here);
    for (const use of [
      'a.b = f;',
      'const t = { f };',
      'return_(f);',
      'const g = a || f;',
      'x instanceof f;',
      'f.cache = 1;',
    ])
      check(`function f() {} ${use}`, here);
  });
  it('exports are replaced by the agent', () => {
    for (const use of [
      'exports.f = f;',
      'module.exports = { f };',
      "exports['f'] = f;",
      'exports.f = exports.g = f;',
    ])
      check(`function f() {} ${use}`, null);
    check('module.exports = f; function f() {}', here);
    check('function f() {} exports.f = f; const g = exports.f;', here);
    check('function f() {} exports.f = f; exports.f(); Object.defineProperty(exports, "x", {});', null);
    check('function f() {} exports.f = f; register(exports);', here);
  });
  it('getters of compilers read the binding', () => {
    check(
      'Object.defineProperty(exports, "f", { enumerable: true, get: function () { return f; } }); function f() {}',
      null,
    );
    check('__export(x, { f: () => f }); module.exports = __toCommonJS(x); function f() {}', null);
    check('const get = () => f; function f() {}', here);
  });
  it('ES modules', () => {
    check('export function f() {}', null, { isModule: true });
    check('function f() {} export { f, f as g };', null, { isModule: true });
    check('export default function f() {}', null, { isModule: true });
    check('function f() {} export default f;', here, { isModule: true });
  });
  it('methods, by their name', () => {
    const name = 'A.m';
    check('class A { m() {} n() { this.m(); } }', null, { name });
    check('class A { constructor() { this.m = this.m.bind(this); } m() {} }', here, { name });
    check('class A { m() {} } on("x", a.m);', here, { name });
    check('class A { m() {} } const { m } = a;', here, { name });
    check('class A { m() {} } if (a.m) a.m();', null, { name });
    check('class A { m() {} n() {} } decorate(A.prototype, "m");', here, { name });
    check('class A { m() {} n() {} } decorate(A.prototype, "n");', null, { name });
    check('class A { m() {} } mixin(B.prototype, A.prototype);', here, { name });
    check('class A { get m() { return 1; } } const x = a.m;', null, { name });
  });
  it('objects, wherever they go', () => {
    const name = 'o.m';
    const object = 'const o = { m() {} };';
    for (const use of [
      'o.m();',
      'o[k]();',
      'Object.freeze(o);',
      'const p = o; p.m();',
      'for (const k in o) k;',
      'x = o.n;',
    ])
      check(`${object} ${use}`, null, { name });
    for (const use of [
      'o.m;x(o.m);',
      'use(o);',
      'x = { ...o };',
      'const { m } = o;',
      'const { ...r } = o;',
      'const h = o[k];',
    ])
      check(`${object} ${use}`, here, { name });
    check(`${object} const p = { o }; p.o.m();`, null, { name });
    check(`${object} const p = { o }; use(p);`, here, { name });
  });
});

describe('references: from other scripts', () => {
  const cjs = 'function f() {} module.exports = { f };';
  const esm = 'export function f() {}';
  const from = (text: string) => ({ others: { 'b.js': text } });
  const fromEsm = (text: string) => ({ ...from(text), isModule: true });

  it('CommonJS', () => {
    check(cjs, null, from("const a = require('./a'); a.f();"));
    check(cjs, null, from("const a_1 = require('./a'); (0, a_1.f)();"));
    check(cjs, null, from("require('./a').f();"));
    check(cjs, 'b.js:1', from("const { f } = require('./a'); f();"));
    check(cjs, 'b.js:1', from("const f = require('./a').f;"));
    check(cjs, 'b.js:2', from("const a = require('./a');\napp.get('/', a.f);"));
    check(cjs, 'b.js:1', from("use(require('./a'));"));
    check(cjs, 'b.js:1', from("x = { ...require('./a') };"));
    check(cjs, null, from("module.exports = { ...require('./a') };"));
    check(cjs, null, from("const a = __importStar(require('./a')); a.f();"));
  });
  it('ES modules', () => {
    check(esm, null, fromEsm("import { f } from './a.js'; f();"));
    check(esm, null, fromEsm("import * as a from './a.js'; a.f();"));
    check(esm, 'b.js:1', fromEsm("import { f as g } from './a.js'; app.get('/', g);"));
    check(esm, 'b.js:1', fromEsm("import * as a from './a.js'; use(a);"));
    check(esm, 'b.js:1', fromEsm("const { f } = await import('./a.js');"));
    check('export default function f() {}', 'b.js:1', fromEsm("import any from './a.js'; use(any);"));
    check(cjs, 'b.js:1', from("import { f } from './a.js'; f();"));
    check(cjs, null, from("import a from './a.js'; a.f();"));
  });
  it('another module of the same name, or another name', () => {
    check(cjs, null, from("const { f } = require('./c'); use(f);"));
    check(cjs, null, from("const { f } = require('../other/a'); use(f);"));
    check(cjs, null, from("const { f } = require('node:fs'); use(f);"));
    check(cjs, null, from("const { g } = require('./a'); use(g);"));
    check(cjs, 'b.js:1', from("const { f } = require('@acme/app'); use(f);"));
  });
  it('barrels', () => {
    const others = {
      'index.js': "export { f as g } from './a.js';",
      'b.js': "import { g } from './index.js'; use(g);",
    };
    check(esm, 'b.js:1', { others, isModule: true });
    const called = { ...others, 'b.js': "import { g } from '.'; g();" };
    check(esm, null, { others: called, isModule: true });
    const all = { 'index.js': "export * from './a.js';", 'b.js': "import * as i from './index.js'; use(i);" };
    check(esm, 'b.js:1', { others: all, isModule: true });
    const copies = {
      'index.js': "module.exports = { ...require('./a') };",
      'b.js': "const { f } = require('.');",
    };
    check(cjs, 'b.js:1', { others: copies });
  });
  it('a text that is none counts as keeping it', () => {
    check(cjs, 'b.js:1', from('f( }'));
  });
  it('what to ask for', () => {
    const home = { parsed: parsed(esm, true), url: HOME };
    const [unit] = functionsOf(home.parsed);
    assert.deepEqual(namesLeadingTo(home, unit!), ['/a', 'f']);
    const barrel = { url: 'file:///app/src/lib.js', text: "export { f as g } from './a.js';" };
    assert.deepEqual(namesLeadingTo(home, unit!, [barrel]), ['/a', 'f', '/lib', 'g']);
  });
});
