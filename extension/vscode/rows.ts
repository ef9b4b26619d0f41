import { basename } from 'node:path';
import type { FunctionState, PatchState } from '../../agent/protocol.ts';
import { describeOutcome, explain } from '../patch/catalogue.ts';
import { formatAge, joinNames, spokenAge, type Translate } from './words.ts';

/** What a row of the Hot Patches view stands for. Only keys: the facts are read again whenever it is drawn. */
export type Row =
  | { readonly kind: 'target'; readonly pid: number }
  | { readonly kind: 'patch'; readonly pid: number; readonly patchId: string }
  | { readonly kind: 'function'; readonly pid: number; readonly patchId: string; readonly index: number };

/** The state of a whole patch: the worst of its functions. */
export type RowState = 'applied' | 'pending' | 'stale' | 'refused' | 'blocked';

/** How a patch or a function reads; patchesView.ts gives it to VS Code. */
export interface RowText {
  readonly label: string;
  readonly description: string;
  readonly spoken: string;
  readonly state: RowState;
}

export interface Clock {
  /** ms since the epoch. */
  readonly now: number;
  readonly locale: string;
}

/** Unique and the same after every refresh, so that VS Code keeps selection and folding. */
export function rowId(row: Row): string {
  switch (row.kind) {
    case 'target':
      return `target:${row.pid}`;
    case 'patch':
      return `patch:${row.pid}:${row.patchId}`;
    case 'function':
      return `function:${row.pid}:${row.patchId}:${row.index}`;
  }
}

export function patchState(patch: PatchState): RowState {
  if (patch.unloadBlocked) return 'blocked';
  const states = patch.functions.map((one) => one.outcome.status);
  return (['refused', 'stale', 'pending'] as const).find((state) => states.includes(state)) ?? 'applied';
}

export function patchText(patch: PatchState, clock: Clock, t: Translate): RowText {
  const state = patchState(patch);
  const label = joinNames(
    patch.functions.map((one) => one.function),
    t,
  );
  const files = [...new Set(patch.functions.map((one) => basename(one.file)))];
  const age = clock.now - patch.loadedAt;
  const where = joinNames(files, t);
  return {
    label: label || patch.title,
    description: [where, stateText(state, t), formatAge(age, clock.locale, t)].filter(Boolean).join(' · '),
    spoken: t(
      'Patch of {0}, {1}, in {2}, loaded {3}',
      label,
      spokenState(state, t),
      where,
      spokenAge(age, clock.locale, t),
    ),
    state,
  };
}

export function functionText(one: FunctionState, t: Translate): RowText {
  const state = one.outcome.status;
  const where = `${basename(one.file)}:${one.line}`;
  return {
    label: one.function,
    description: [where, stateText(state, t)].filter(Boolean).join(' · '),
    spoken: t('{0}, {1}, in {2}', one.function, spokenState(state, t), where),
    state,
  };
}

/** Lines for the tooltip of a patch, plain text: what came of every function, and why it could not be unloaded. */
export function patchDetails(patch: PatchState): string[] {
  const lines = patch.functions.map((one) => `${one.function}: ${describeOutcome(one.outcome)}`);
  if (!patch.unloadBlocked) return lines;
  const { what, next } = explain(patch.unloadBlocked.code, patch.unloadBlocked.data);
  return [...lines, `${patch.unloadBlocked.code}: ${what} ${next}`];
}

/** Nothing is said of a patch that is simply in force. */
function stateText(state: RowState, t: Translate): string {
  return state === 'applied' ? '' : spokenState(state, t);
}

function spokenState(state: RowState, t: Translate): string {
  switch (state) {
    case 'applied':
      return t('in force');
    case 'pending':
      return t('pending');
    case 'stale':
      return t('old code still runs');
    case 'refused':
      return t('refused');
    case 'blocked':
      return t('unload blocked');
  }
}
