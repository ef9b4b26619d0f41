import assert from 'node:assert/strict';
import { CODES, type PatchState } from '../../agent/protocol.ts';
import { functionText, patchDetails, patchText, rowId, type RowState } from '../../extension/vscode/rows.ts';
import { functionState, patchState } from './patches.ts';
import { t } from './translate.ts';

const clock = { now: 3 * 60_000, locale: 'en' };
const pending = { status: 'pending', code: CODES.waitingForCall, data: { module: 'cart.js' } } as const;
const stale = { status: 'stale', code: CODES.changedElsewhere } as const;
const refused = {
  status: 'refused',
  code: CODES.neverCalled,
  data: { module: 'cart.js', seconds: 300 },
} as const;

describe('the row of a patch', () => {
  const check = (
    name: string,
    patch: PatchState,
    state: RowState,
    label: string,
    description: string,
  ): void => {
    it(name, () => {
      const text = patchText(patch, clock, t);
      assert.deepEqual([text.state, text.label, text.description], [state, label, description]);
    });
  };

  check('in force', patchState([functionState('total')]), 'applied', 'total', 'cart.ts · 3m ago');
  check(
    'pending',
    patchState([functionState('total', pending)]),
    'pending',
    'total',
    'cart.ts · pending · 3m ago',
  );
  check(
    'as bad as its worst function',
    patchState([functionState('a'), functionState('b', pending), functionState('c', stale)]),
    'stale',
    'a, b, c',
    'cart.ts · old code still runs · 3m ago',
  );
  check(
    'refused after it was pending',
    patchState([functionState('a', refused)]),
    'refused',
    'a',
    'cart.ts · refused · 3m ago',
  );
  check(
    'that could not be unloaded, whatever else it is',
    patchState([functionState('a', pending)], { code: CODES.functionActive, data: { function: 'a' } }),
    'blocked',
    'a',
    'cart.ts · unload blocked · 3m ago',
  );
  check(
    'of many functions',
    patchState(['a', 'b', 'c', 'd'].map((name) => functionState(name))),
    'applied',
    'a, b and 2 more',
    'cart.ts · 3m ago',
  );

  it('is spoken in whole words', () => {
    const { spoken } = patchText(patchState([functionState('total', pending)]), clock, t);
    assert.equal(spoken, 'Patch of total, pending, in cart.ts, loaded 3 minutes ago');
  });

  it('explains every function and a blocked unload in its tooltip', () => {
    const blocked = { code: CODES.functionActive, data: { function: 'total' } };
    assert.deepEqual(
      patchDetails(patchState([functionState('total', pending), functionState('b')], blocked)),
      [
        'total: pending (HP4003): Waiting for the first call into cart.js; nothing is changed yet.',
        'b: applied',
        'HP4007: total is running or suspended just now. Try again when its calls have ended.',
      ],
    );
  });
});

describe('the row of a function', () => {
  it('says where it is and what came of it', () => {
    assert.equal(functionText(functionState('total'), t).description, 'cart.ts:12');
    assert.equal(functionText(functionState('total', pending), t).description, 'cart.ts:12 · pending');
  });
});

describe('row ids', () => {
  it('differ between processes and patches', () => {
    const ids = [
      rowId({ kind: 'target', pid: 1 }),
      rowId({ kind: 'patch', pid: 1, patchId: 'a' }),
      rowId({ kind: 'patch', pid: 2, patchId: 'a' }),
      rowId({ kind: 'function', pid: 1, patchId: 'a', index: 0 }),
      rowId({ kind: 'function', pid: 1, patchId: 'a', index: 1 }),
    ];
    assert.equal(new Set(ids).size, ids.length);
  });
});
