import assert from 'node:assert/strict';
import { CODES, type Code, type Details } from '../../agent/protocol.ts';
import { explain } from '../../extension/patch/catalogue.ts';
import { HotPatchError } from '../../extension/patch/error.ts';
import {
  consentNeeded,
  detailsText,
  offersFor,
  refusalMessage,
  refusalOf,
  refusalsOf,
  settled,
} from '../../extension/vscode/refusal.ts';
import { functionState, patchReport, patchState } from './patches.ts';
import { t } from './translate.ts';

const taken = {
  name: 'total',
  code: CODES.referenceTaken,
  reason: 'A reference was taken. Patch with live edit (--allow-live-edit), or patch another function.',
};
const other = { name: 'add', code: CODES.otherRefused, reason: 'Not changed. See that function.' };

describe('a refused patch', () => {
  it('says why, where and what to do, without the words of the command line', () => {
    const refusals = refusalsOf(patchReport([taken]));
    assert.equal(
      refusalMessage(refusals, t),
      'total (cart.ts:12) was not patched. A reference was taken. Patch with live edit, or patch another function. (HP2005)',
    );
    assert.deepEqual(offersFor(refusals), ['liveEdit', 'show', 'copy']);
  });

  it('tells of the function to blame, not of those refused with it', () => {
    const message = refusalMessage(refusalsOf(patchReport([other, taken])), t);
    assert.match(message, /^total \(cart\.ts:12\) and 1 more were not patched\. /);
  });

  it('has nothing to tell when all was applied', () => {
    assert.deepEqual(refusalsOf(patchReport([{ name: 'total' }])), []);
    assert.deepEqual(offersFor([]), []);
  });

  it('has no function to name outside of functions', () => {
    const report = patchReport([
      { name: '', code: CODES.outsideFunctions, reason: 'In no function. Choose one.' },
    ]);
    assert.equal(refusalMessage(refusalsOf(report), t), 'In no function. Choose one. (HP2017)');
  });

  it('asks for consent, and says why, when that is all it lacks', () => {
    const consent = CODES.liveEditConsent;
    const { what, next } = explain(consent, { function: 'f', why: 'a const arrow', node: '24.1.0' });
    const needed = { name: 'f', code: consent, reason: `${what} ${next}` };
    assert.equal(consentNeeded(patchReport([needed, other])), what);
    assert.equal(consentNeeded(patchReport([taken, needed])), null);
    assert.equal(consentNeeded(patchReport([{ name: 'total' }])), null);
  });

  it('is copied with everything a report needs', () => {
    const report = patchReport([taken]);
    const text = detailsText(refusalsOf(report), { hotpatch: '0.1.0' }, report);
    assert.match(text, /^HP2005 total \(\/app\/src\/cart\.ts:12\): A reference was taken\./);
    assert.match(text, /\nhotpatch 0\.1\.0\n/);
    assert.match(text, /"patchId": "abcdef"/);
  });
});

describe('an error', () => {
  const check = (code: Code, data: Details, message: string, offers: string[]): void => {
    it(`${code} is told with what to do in the editor`, () => {
      const refusals = [refusalOf(new HotPatchError(code, data), t)];
      assert.equal(refusalMessage(refusals, t), message);
      assert.deepEqual(offersFor(refusals), offers);
    });
  };

  check(CODES.noSuchProcess, { pid: 42 }, 'There is no process 42. Choose another process. (HP1001)', [
    'elsewhere',
    'copy',
  ]);
  check(
    CODES.otherUser,
    { pid: 42, user: 'root' },
    'Process 42 belongs to another user (root). Run VS Code as that user. (HP1003)',
    ['copy'],
  );
  check(
    CODES.processEnded,
    { pid: 42 },
    'Process 42 ended while it was being worked on. Start it again and attach to it. (HP1007)',
    ['elsewhere', 'copy'],
  );

  it('in the text points at its place', () => {
    const data = { file: '/app/src/cart.ts', line: 3, column: 7, message: 'Unexpected ";"' };
    const refusal = refusalOf(new HotPatchError(CODES.syntaxError, data), t);
    assert.deepEqual(refusal.place, { file: '/app/src/cart.ts', line: 3, column: 6 });
    assert.deepEqual(offersFor([refusal]), ['show', 'copy']);
  });
});

describe('a pending patch', () => {
  const waiting = { status: 'pending', code: CODES.waitingForCall, data: { module: 'cart.js' } } as const;
  const never = {
    status: 'refused',
    code: CODES.neverCalled,
    data: { module: 'cart.js', seconds: 300 },
  } as const;

  it('has nothing to tell while one function waits', () => {
    assert.equal(settled(patchState([functionState('a'), functionState('b', waiting)])), null);
  });

  it('is settled without refusals when all are applied', () => {
    assert.deepEqual(settled(patchState([functionState('a')])), []);
  });

  it('is told of when it came to nothing', () => {
    const refusals = settled(patchState([functionState('a', never)])) ?? [];
    assert.match(
      refusalMessage(refusals, t),
      /^a \(cart\.ts:12\) was not patched\. Nothing of cart\.js was called/,
    );
  });
});
