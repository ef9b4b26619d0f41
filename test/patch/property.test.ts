import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isRefusal, read, select, type Choice } from '../../extension/patch/changes.ts';
import { namesToLookFor } from '../../extension/patch/bind.ts';
import { parse } from '../../extension/patch/parse.ts';
import { plan } from '../../extension/patch/plan.ts';
import { facts, textsOf } from './texts.ts';

const names = fc.constantFrom(
  'f',
  'g',
  'a',
  'constructor',
  '__proto__',
  'toString',
  'größe',
  'exports',
  'default',
);
const values = fc.oneof(
  names.filter((name) => name !== 'default'),
  fc.constantFrom(
    '1',
    "'s'",
    '`t${1}`',
    '/r/g',
    'this',
    'null',
    '[1, 2]',
    '{ x: 1 }',
    'exports.f',
    'a?.b',
    'require("./a")',
  ),
);
const body = fc
  .tuple(values, fc.constantFrom('return', 'const x =', 'throw', 'if (1) return', 'void'))
  .map(([value, start]) => `${start} (${value});`);

const { statement } = fc.letrec<{ statement: string; inner: string }>((tie) => ({
  inner: fc
    .array(fc.oneof({ maxDepth: 2 }, body, tie('statement')), { maxLength: 2 })
    .map((all) => all.join('\n')),
  statement: fc
    .tuple(
      names.filter((name) => name !== 'default' && name !== 'exports'),
      tie('inner'),
      fc.nat(15),
    )
    .map(([name, inner, kind]) => {
      switch (kind) {
        case 0:
          return `function ${name}(p) { ${inner} }`;
        case 1:
          return `var ${name} = function (p) { ${inner} };`;
        case 2:
          return `var ${name} = (p) => { ${inner} };`;
        case 3:
          return `var C = class { m() { ${inner} } static s() {} get x() { ${inner} } #p() {} };`;
        case 4:
          return `var o = { ${name}() { ${inner} }, k: () => { ${inner} } };`;
        case 5:
          return `app.get('/x', function (p) { ${inner} });`;
        case 6:
          return `exports.${name} = function () { ${inner} };`;
        case 7:
          return `module.exports = { ${name}: ${name}, m() { ${inner} } };`;
        case 8:
          return `(function () { ${inner} })();`;
        case 9:
          return `[1].map((p) => { ${inner} });`;
        case 10:
          return `async function ${name}() { for await (const x of ${name}) { await x; } }`;
        case 11:
          return `C.prototype.${name} = function () { ${inner} };`;
        case 12:
          return `var { ${name}: z = 1, ...rest } = ${name};`;
        case 13:
          return `function* ${name}() { yield* ${name}(); }`;
        case 14:
          return `Object.assign(exports, { ...${name} });`;
        default:
          return `${name}(${name});`;
      }
    }),
}));
const program = fc.array(statement, { maxLength: 5 }).map((all) => all.join('\n'));
const choice: fc.Arbitrary<Choice> = fc.oneof(
  fc.constant<Choice>({ kind: 'changed' }),
  fc.nat(20).map((line): Choice => ({ kind: 'line', line })),
  fc.array(names, { minLength: 1, maxLength: 2 }).map((all): Choice => ({ kind: 'names', names: all })),
);

/** All of the planner; whatever it answers, it does not throw. Returns what is chosen to be planned. */
function runAll(
  before: string,
  after: string,
  how: Choice,
  more: { isModule?: boolean; baseline?: string | null } = {},
) {
  const reading = read(textsOf(before, after, more));
  if (isRefusal(reading)) return null;
  const selected = select(reading, how);
  const changes = selected.flatMap((each) => (each.ok ? [each.change] : []));
  const mentions = [{ url: 'file:///app/b.js', text: after }];
  for (const change of changes) namesToLookFor(reading, change, mentions);
  for (const each of plan(reading, changes, facts({ mentions })))
    if (each.ok) assert.ok(each.replacement.range.end <= before.length && each.replacement.text.length > 0);
  return { reading, changes };
}

describe('the planner, for any text', function () {
  this.timeout(30_000);

  it('never throws on programs', () => {
    fc.assert(
      fc.property(
        program,
        program,
        choice,
        fc.boolean(),
        fc.constantFrom<'same' | 'none'>('same', 'none'),
        (a, b, how, isModule, baseline) => {
          runAll(a, b, how, { isModule, ...(baseline === 'none' ? { baseline: null } : {}) });
        },
      ),
      { numRuns: 400 },
    );
  });

  it('never throws on texts', () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ unit: 'binary' }), choice, (a, b, how) => {
        runAll(a, b, how);
        runAll('function f() { return 1; }', b, how);
        runAll(a, 'function f() { return 1; }', how);
      }),
      { numRuns: 300 },
    );
  });

  it('never throws on programs cut and pasted anywhere', () => {
    fc.assert(
      fc.property(
        program,
        fc.nat(),
        fc.nat(),
        fc.string({ maxLength: 4 }),
        choice,
        (text, x, y, put, how) => {
          const at = x % (text.length + 1);
          runAll(text, text.slice(0, at) + put + text.slice(at + (y % 8)), how);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('finds no change in comments and layout', () => {
    const blanks = fc.constantFrom(' ', '\n', '\t', '\r\n', ' /* c */ ', ' // c\n');
    fc.assert(
      fc.property(
        program,
        fc.array(blanks, { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        (text, put, known) => {
          if (!parse(text, false).ok) return;
          // Between statements and inside bodies; not where a line end means something.
          let at = 0;
          const after = text.replace(/[{};](?=[\s)])/g, (mark) => mark + put[at++ % put.length]!);
          // A template's text and a line comment's end are no layout.
          fc.pre(!text.includes('`'));
          const result = runAll(text, after, { kind: 'changed' }, known ? {} : { baseline: null });
          assert.deepEqual(
            result?.changes.map(({ running }) => running.name),
            [],
            after,
          );
          if (known) assert.equal(result?.reading.outsideLine, null, after);
        },
      ),
      { numRuns: 300 },
    );
  });
});
