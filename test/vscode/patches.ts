import type { FunctionState, Outcome, PatchState } from '../../agent/protocol.ts';
import type { FunctionReport, PatchReport } from '../../extension/session/report.ts';

/** A function of a patch as the ledger tells of it. */
export function functionState(name: string, outcome: Outcome = { status: 'applied' }): FunctionState {
  return { function: name, file: '/app/src/cart.ts', line: 12, url: 'x', engine: 'scope-binding', outcome };
}

/** A patch as the ledger tells of it, loaded at 0. */
export function patchState(
  functions: readonly FunctionState[],
  unloadBlocked?: PatchState['unloadBlocked'],
): PatchState {
  const title = functions.map((one) => one.function).join(', ');
  return { id: 'abcdef', title, loadedAt: 0, functions, ...(unloadBlocked ? { unloadBlocked } : {}) };
}

/** What `Session.patch` answers; a function with a code is refused. */
export function patchReport(
  functions: readonly { name: string; code?: string; reason?: string }[],
): PatchReport {
  const targets = functions.map(({ name, code, reason }): FunctionReport => ({
    function: name,
    file: '/app/src/cart.ts',
    line: 12,
    status: code ? 'refused' : 'applied',
    engine: code ? null : 'scope-binding',
    code: code ?? null,
    reason: reason ?? null,
  }));
  return { patchId: 'abcdef', pid: 42, targets, ms: { compile: 1, plan: 1, apply: 1, pause: 0 } };
}
