import assert from 'node:assert/strict';
import { select } from '../../extension/patch/changes.ts';
import { plan, type PlanFacts } from '../../extension/patch/plan.ts';
import { codeName, facts, reading } from './texts.ts';

interface Case extends Partial<PlanFacts> {
  readonly isModule?: boolean;
}

/** The engine of each planned function, or the name of the code it is refused with. */
function check(
  before: string,
  after: string,
  expected: string,
  { isModule = false, ...more }: Case = {},
): void {
  const understood = reading(before, after, { isModule });
  const planned = select(understood, { kind: 'changed' }).flatMap((each) =>
    each.ok ? plan(understood, [each.change], facts(more)) : [each],
  );
  const found = planned.map((each) => (each.ok ? each.replacement.engine : codeName(each.refusal.code)));
  assert.deepEqual(found.join(' + '), expected, after);
}

/** An edit of `old` to `new` in one text. */
function edit(text: string, expected: string, more?: Case): void {
  check(text, text.replace('old', 'new'), expected, more);
}

/** The plan of a single bound function. */
function bound(before: string, after: string, isModule = false) {
  const understood = reading(before, after, { isModule });
  const [selected] = select(understood, { kind: 'changed' });
  assert.ok(selected?.ok);
  const [planned] = plan(understood, [selected.change], facts());
  assert.ok(planned?.ok && planned.replacement.engine === 'scope-binding');
  return planned.replacement;
}

const risky: Case = { target: { node: '24.1.0', v8: '13', liveEdit: 'risky', heapUsed: 1 } };
const gone: Case = { target: { node: '28.0.0', v8: '15', liveEdit: 'gone', heapUsed: 1 } };

describe('plan: engine or refusal', () => {
  it('scope binding', () => {
    edit("function f() { return 'old'; } function g() { f(); }", 'scope-binding', gone);
    edit("exports.f = function () { return 'old'; };", 'scope-binding', gone);
    edit("class A { m() { return 'old'; } } exports.A = A;", 'scope-binding', gone);
    edit("export function f() { return 'old'; }", 'scope-binding', { ...gone, isModule: true });
    edit("const o = { m() { return 'old'; } }; function g() { o.m(); }", 'scope-binding', gone);
    edit("let f = () => 'old'; function g() { f(); }", 'scope-binding', gone);
  });
  it('live edit where a binding does not reach', () => {
    const arrow = "const f = () => { return 'old'; };";
    edit(arrow, 'live-edit');
    edit(arrow, 'liveEditConsent', risky);
    edit(arrow, 'live-edit', { ...risky, allowLiveEdit: true });
    edit(arrow, 'liveEditGone', gone);
    edit("function f() { return 'old'; } use(f);", 'live-edit');
    edit("app.get('/', () => { return 'old'; });", 'live-edit');
    edit("class A { #p() { return 'old'; } m() { this.#p(); } }", 'live-edit');
    edit("async function f() { for (;;) { await 'old'; } } f();", 'live-edit');
  });
  it('refusals', () => {
    edit("const f = () => 'old';", 'liveEditUnsafe');
    check(
      'function f() { return 1; } const K = 1; f();',
      'function f() { return K; } const K = 1; f();',
      'nameUnreachable',
    );
    check('const f = () => { return 1; };', 'const f = async () => { return 2; };', 'shapeChanged');
    check(
      'const f = () => { return 1; }; const K = 1;',
      'const f = () => { return K; }; const K = 1;',
      'capturesChanged',
    );
    check(
      'function f() { return 1; }',
      'function f() { return helper(); } function helper() {}',
      'nameUnreachable',
    );
  });
  it('what loaded patches hold', () => {
    const text = "function f() { return 'old'; } function g() { f(); }";
    const range = { start: 0, end: text.indexOf('}') + 1 };
    edit(text, 'scope-binding', { held: [{ function: 'f', engine: 'scope-binding', range }] });
    edit(text, 'live-edit', { held: [{ function: 'f', engine: 'live-edit', range }] });
    const wider = { start: 0, end: text.length };
    edit(text, 'overlapsPatch', { held: [{ function: 'x', engine: 'scope-binding', range: wider }] });
    edit("const f = () => { return 'old'; };", 'heldByOtherEngine', {
      held: [{ function: 'f', engine: 'scope-binding', range: { start: 10, end: 33 } }],
    });
  });
});

describe('plan: closures that may be alive', () => {
  const inside = (text: string, expected: string) => edit(text, expected, gone);
  it('called only', () => {
    inside(
      "function f() { function g() { return 'old'; } return g(); } f();function h() { f(); }",
      'scope-binding',
    );
    inside(
      "function f() { const g = () => 'old'; return [1].map(() => g()); } function h() { f(); }",
      'scope-binding',
    );
    inside("function f() { return [1].map(() => 'old'); } function h() { f(); }", 'scope-binding');
  });
  it('kept', () => {
    inside("function f() { function g() { return 'old'; } return g; } function h() { f(); }", 'liveEditGone');
    inside(
      "function f() { function g() { return 'old'; } return () => g(); } function h() { f(); }",
      'liveEditGone',
    );
    inside("function f() { on('x', () => { return 'old'; }); } function h() { f(); }", 'liveEditGone');
    inside(
      "function f() { return () => { return [1].map(() => { return 'old'; }); }; } function h() { f(); }",
      'liveEditGone',
    );
  });
});

describe('plan: the new function', () => {
  /** The function that the expression makes, in a scope of our own. */
  const made = (expression: string, key: string) =>
    (0, eval)(expression)(null)[key] as ((...args: unknown[]) => unknown) & { readonly name: string };

  it('has its name and binds no other', () => {
    for (const head of ['function f(n)', 'function /* c */ f /* d */ (n)', 'function\nf(n)']) {
      const text = `${head} { return n ? f(0) : 1; } function g() { f(); }`;
      const { expression } = bound(text, text.replace(': 1', ': 2'));
      const f = made(expression!, 'f');
      assert.equal(f.name, 'f');
      assert.equal(f(0), 2);
      assert.throws(() => f(1), /f is not defined/, 'recursion goes through the binding');
    }
  });
  it('has a name of Object.prototype as well', () => {
    const text = 'function __proto__() { return 1; } function g() { __proto__(); }';
    const { expression } = bound(text, text.replace('1', '2'));
    const home = (0, eval)(expression!)(null) as object;
    const value = Object.getOwnPropertyDescriptor(home, '__proto__')?.value as () => number;
    assert.equal(value(), 2);
  });
  it('is strict where the old one was', () => {
    const sloppy = 'function f() { return typeof this; } function g() { f(); }';
    const edited = (text: string) => bound(text, text.replace('typeof this', 'typeof (this ?? 1)'));
    assert.ok(!edited(sloppy).expression!.includes('"use strict"'));
    assert.ok(edited(`'use strict'; ${sloppy}`).expression!.includes('"use strict"'));
  });
});

describe('plan: doors', () => {
  /** Texts from the body of each function whose call may open the door. */
  function checkDoors(before: string, after: string, expected: readonly string[]): void {
    const { doors } = bound(before, after);
    assert.deepEqual(
      doors.map(({ offset }) => before.slice(offset, before.indexOf('}', offset) + 1)),
      expected,
    );
  }
  it('the function itself first, then the nearest', () => {
    const text = 'function g() { f(2); } function f() { return 1; }';
    checkDoors(text, text.replace('return 1', 'return 9'), ['{ return 1; }', '{ f(2); }']);
  });
  it('none that shadows what the new code means, globals included', () => {
    const text = 'const K = 1; function g(K) { f(2); } function h(fetch) { K; } function f() { return 1; }';
    checkDoors(text, text.replace('return 1', 'return K'), ['{ return 1; }', '{ K; }']);
    checkDoors(text, text.replace('return 1', 'return fetch'), ['{ return 1; }', '{ f(2); }']);
  });
  it('no strict one for a sloppy function', () => {
    const text = "function g() { 'use strict'; f(); } function f() { return 1; }";
    checkDoors(text, text.replace('return 1', 'return 9'), ['{ return 1; }']);
  });
  it('methods of the class where only it knows what is meant', () => {
    const text = 'class A { #x = 1; m() { return 1; } n() { return this.#x; } } function g() { A; }';
    checkDoors(text, text.replace('return 1', 'return this.#x'), ['{ return 1; }', '{ return this.#x; }']);
  });
});
