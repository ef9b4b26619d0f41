import assert from 'node:assert/strict';
import type { Code } from '../../agent/protocol.ts';
import { HotPatchError } from '../../extension/patch/error.ts';

/** Asserts that `promise` rejects with this code; resolves with the error, for its data. */
export async function rejectsWith(code: Code, promise: Promise<unknown>): Promise<HotPatchError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof HotPatchError, `expected ${code}, got ${String((error as Error).stack)}`);
    assert.equal(error.code, code, error.message);
    assert.ok(!error.message.includes('?'), `words are missing in: ${error.message}`);
    return error;
  }
  assert.fail(`expected ${code}, but it resolved`);
}
