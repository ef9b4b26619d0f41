import assert from 'node:assert/strict';
import { functionsOf } from '../../extension/patch/functions.ts';
import { parsed } from './texts.ts';

/** The functions of a text as `name` or `name: kind of place`. */
function check(text: string, expected: readonly string[], isModule = false): void {
  const found = functionsOf(parsed(text, isModule)).map(({ name, place }) => `${name}: ${place.kind}`);
  assert.deepEqual(found, expected);
}

/** What V8 gives as the text of each function, which is what is replaced. */
function checkText(text: string, expected: readonly string[]): void {
  const found = functionsOf(parsed(text)).map(({ range }) => text.slice(range.start, range.end));
  assert.deepEqual(found, expected);
}

describe('functions: names and places', () => {
  it('declarations and variables', () => {
    check('function f() {}', ['f: binding']);
    check('async function f() {} function* g() {}', ['f: binding', 'g: binding']);
    check('const f = () => 1; let g = function () {}; var h = function own() {};', [
      'f: binding',
      'g: binding',
      'h: binding',
    ]);
    check('let f; f = function () {};', ['f: binding']);
    check('function größe() {} function toString() {} function __proto__() {}', [
      'größe: binding',
      'toString: binding',
      '__proto__: binding',
    ]);
  });
  it('nested functions', () => {
    check('function outer() { function inner() { return () => 1; } }', [
      'outer: binding',
      'outer.inner: binding',
      'outer.inner.(closure): closure',
    ]);
    check('function f() { return xs.map((x) => x + 1); }', ['f: binding']);
    check('function f() { return new Promise((done) => done()); }', ['f: binding']);
    check('const lib = (function () { function f() {} })();', ['f: binding']);
  });
  it('classes', () => {
    check('class A { constructor() {} m() {} #p() {} static s() {} get x() {} set x(v) {} [k]() {} }', [
      'A.constructor: method',
      'A.m: method',
      'A.#p: method',
      'A.s: method',
      'A.x: method',
      'A.x#2: method',
      'A.[computed]: method',
    ]);
    check('class A { field = () => 1; }', ['A.field: closure']);
    check('const A = class B { m() {} };', ['A.m: method']);
    check('exports.A = class { m() {} };', ['A.m: method']);
    check('export default class { m() {} }', ['default.m: method'], true);
    check('class A { "quoted name"() {} 1() {} }', ['A.quoted name: method', 'A.1: method']);
  });
  it('objects', () => {
    check('const api = { m() {}, f: function () {}, a: () => 1, get x() { return 1; } };', [
      'api.m: property',
      'api.f: property',
      'api.a: property',
      'api.x: property',
    ]);
    check('A.prototype.m = function () {};', ['A.m: property']);
    check('A.prototype = { m() {} };', ['A.prototype.m: property']);
    check('call({ m() {} });', ['m: property']);
  });
  it('exports', () => {
    check('exports.f = function () {}; module.exports.g = () => 1;', ['f: export', 'g: export']);
    check('module.exports = { f() {}, g: function () {} };', ['f: export', 'g: export']);
    check('module.exports = function () {};', ['exports: closure']);
    check('export default function () {}', ['default: closure'], true);
    check('export default function f() {}', ['f: binding'], true);
    check('export default () => 1;', ['default: closure'], true);
  });
  it('what more than one name holds is bound by none of them', () => {
    check('const f = exports.f = function () {};', ['f: closure']);
    check('A.prototype.m = A.prototype.n = function () {};', ['n: closure']);
  });
  it('callbacks', () => {
    check("app.get('/x', () => 1); app.get('/x', () => 2); app.get('/y', () => 3);", [
      "app.get('/x'): closure",
      "app.get('/x')#2: closure",
      "app.get('/y'): closure",
    ]);
    check('setTimeout(() => 1, 5); emitter.on("x", function () {});', [
      'setTimeout(): closure',
      "emitter.on('x'): closure",
    ]);
  });
});

describe('functions: texts', () => {
  it('is what Function.prototype.toString gives', () => {
    checkText('async function f() {}', ['async function f() {}']);
    checkText('class A { static /* c */ async m() {} get x() { return 1; } static s() {} }', [
      'async m() {}',
      'get x() { return 1; }',
      's() {}',
    ]);
    checkText('const o = { m() {}, f: function () {}, get x() { return 1; } };', [
      'm() {}',
      'function () {}',
      'get x() { return 1; }',
    ]);
  });
});
