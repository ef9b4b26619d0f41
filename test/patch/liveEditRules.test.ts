import assert from 'node:assert/strict';
import { liveEditRefusal } from '../../extension/patch/liveEditRules.ts';
import { select } from '../../extension/patch/changes.ts';
import { renamed } from '../../extension/patch/rename.ts';
import { codeName, reading } from './texts.ts';

/** Null: V8 takes the edit; otherwise the code with what fills it. */
function check(before: string, after: string, expected: string | null): void {
  const understood = reading(before, after);
  const [selected] = select(understood, { kind: 'changed' });
  assert.ok(selected?.ok, 'one function differs');
  const { running, edited } = selected.change;
  const text = renamed(understood.edited.parsed, edited, understood.names);
  const refusal = liveEditRefusal(understood.running.parsed, running, edited, text);
  const { names, reason, change } = refusal?.data ?? {};
  assert.equal(refusal && `${codeName(refusal.code)}: ${String(names ?? reason ?? change)}`, expected, after);
}

/** An edit of `old` to `new`. */
function edit(text: string, expected: string | null): void {
  check(text, text.replace('old', 'new'), expected);
}

describe('live edit rules', () => {
  it('takes an edit inside the braces', () => {
    edit("const f = () => { return 'old'; };", null);
    edit("function f(a) { return 'old'; }", null);
    edit("class A { #p() { return 'old'; } constructor() { this.#p(); } }", null);
    check('const f = function (a) { return a; };', 'const f = function (a, b) { return a + b; };', null);
  });
  it('not one that touches the edge of the function', () => {
    edit("const f = () => 'old';", 'liveEditUnsafe: an arrow function without braces');
    check(
      'const f = (a) => { return a; };',
      'const f = (b) => { return b; };',
      'liveEditUnsafe: the edit touches the edge of the function',
    );
  });
  it('not another kind of function', () => {
    check(
      'const f = () => { return 1; };',
      'const f = async () => { return 1; };',
      'shapeChanged: now async',
    );
    check('function f() { return 1; }', 'function* f() { return 1; }', 'shapeChanged: now a generator');
    check(
      'const f = () => { return 1; };',
      'const f = function () { return 1; };',
      'shapeChanged: another kind of function',
    );
    check('const f = () => { return 1; };', 'const f = () => 1;', 'shapeChanged: now without braces');
  });
  it('not another set of captured variables', () => {
    check(
      'let x = 1; const f = () => { return 1; };',
      'let x = 1; const f = () => { return x; };',
      'capturesChanged: x',
    );
    check(
      'let x = 1; const f = () => { return x; };',
      'let x = 1; const f = () => { return 1; };',
      'capturesChanged: x',
    );
    check(
      'let x; const f = () => { return 1; }, g = () => { x; };',
      'let x; const f = () => { return x; }, g = () => { x; };',
      null,
    );
    check(
      'const f = () => { return 1; };',
      "const f = () => { return require('x'); };",
      'capturesChanged: require',
    );
    check(
      'const f = () => { let y = 1; return y; };',
      'const f = () => { let y = 1; return () => y; };',
      null,
    );
    check('const f = () => { return 1; };', 'const f = () => { return this; };', 'capturesChanged: this');
  });
  it('not a long line, not eval, not classes made inside functions', () => {
    const pad = 'x'.repeat(900);
    edit(
      `const s = '${pad}'; const f = () => { return 'old'; };`,
      'liveEditUnsafe: the edit touches the edge of the function',
    );
    edit("const f = () => { return 'old'; }; eval('1');", 'liveEditUnsafe: the script calls eval directly');
    edit(
      "const f = () => { return 'old'; }; function g() { return class {}; }",
      'liveEditUnsafe: the script makes classes inside functions',
    );
  });
});
