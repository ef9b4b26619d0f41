import assert from 'node:assert/strict';
import {
  formatAge,
  formatDuration,
  joinNames,
  nextAgeChange,
  programName,
  spokenAge,
} from '../../extension/vscode/words.ts';
import { t } from './translate.ts';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

describe('an age', () => {
  const cases: readonly [ms: number, short: string, spoken: string, next: number][] = [
    [-5 * second, 'just now', 'just now', minute],
    [0, 'just now', 'just now', minute],
    [59 * second, 'just now', 'just now', second],
    [minute, '1m ago', '1 minute ago', minute],
    [3 * minute + 20 * second, '3m ago', '3 minutes ago', 40 * second],
    [59 * minute + 59 * second, '59m ago', '59 minutes ago', second],
    [hour, '1h ago', '1 hour ago', hour],
    [5 * hour + minute, '5h ago', '5 hours ago', 59 * minute],
    [3 * day, '3d ago', '3 days ago', day],
  ];
  for (const [ms, short, spoken, next] of cases) {
    it(`of ${ms} ms is "${short}"`, () => {
      assert.equal(formatAge(ms, 'en', t), short);
      assert.equal(spokenAge(ms, 'en', t), spoken);
      assert.equal(nextAgeChange(ms), next);
    });
  }

  it('speaks the language of the editor', () => {
    assert.equal(spokenAge(3 * minute, 'de', t), 'vor 3 Minuten');
  });
});

describe('a duration', () => {
  const cases: readonly [number, string][] = [
    [0.42, '0.4 ms'],
    [6.3, '6.3 ms'],
    [2, '2 ms'],
    [41.7, '42 ms'],
    [1300, '1.3 s'],
  ];
  for (const [ms, text] of cases)
    it(`of ${ms} ms is "${text}"`, () => assert.equal(formatDuration(ms), text));
});

describe('names', () => {
  const cases: readonly [string[], string][] = [
    [['total'], 'total'],
    [['a', 'b', 'c'], 'a, b, c'],
    [['a', 'b', 'c', 'd'], 'a, b and 2 more'],
  ];
  for (const [names, text] of cases) it(`read "${text}"`, () => assert.equal(joinNames(names, t), text));
});

describe('the name of a program', () => {
  const check = (command: string, cwd: string | null, expected: string): void => {
    it(command, () => assert.equal(programName(command, cwd), expected));
  };

  check('node server.js', null, 'server.js');
  check('/usr/bin/node /app/dist/server.js --port 3000', '/app', 'dist/server.js --port 3000');
  check('/usr/bin/node /app/server.js', '/other', '/app/server.js');
  check('node --inspect=9229 --require ts-node/register src/main.ts', '/app', 'src/main.ts');
  check('/opt/node/bin/node -e setInterval(()=>{},1000)', '/app', 'node -e setInterval(()=>{},1000)');
  // A process that set process.title has no program to name.
  check('my worker', '/app', 'my worker');
  check(
    'node /a/very/long/path/which/nobody/would/want/to/read/in/full/worker.js',
    '/b',
    '…dy/would/want/to/read/in/full/worker.js',
  );
});
