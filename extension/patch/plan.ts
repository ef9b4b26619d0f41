import {
  CODES,
  type Code,
  type Details,
  type EngineName,
  type Mention,
  type Range,
  type Replacement,
  type ScriptSource,
  type TargetFacts,
} from '../../agent/protocol.ts';
import { namesNotRunning, planBinding, topUnit, type BindingPlan, type Part } from './bind.ts';
import { compare } from './compare.ts';
import { explain } from './catalogue.ts';
import { isInside, type Change, type Reading, type Refusal } from './changes.ts';
import type { FunctionUnit } from './functions.ts';
import { liveEditRefusal } from './liveEditRules.ts';
import type { Node } from './parse.ts';
import { renamed } from './rename.ts';

/** What the target says that a plan depends on. */
export interface PlanFacts {
  readonly target: TargetFacts;
  readonly held: ScriptSource['held'];
  readonly mentions: readonly Mention[];
  readonly allowLiveEdit: boolean;
}

export type Planned =
  | { readonly ok: true; readonly replacement: Replacement }
  | { readonly ok: false; readonly function: string; readonly line: number; readonly refusal: Refusal };

/**
 * The engine for each changed function, or its refusal by name. Pure: texts and facts in, a plan out; it asks nobody
 * and never throws. Scope binding comes first, it has no pause and no risk; live edit is the last resort. Changes
 * under one top-level function are bound together.
 */
export function plan(reading: Reading, changes: readonly Change[], facts: PlanFacts): readonly Planned[] {
  const groups = new Map<FunctionUnit, Part[]>();
  for (const change of changes) {
    const top = topUnit(change.running);
    const text = renamed(reading.edited.parsed, change.edited, reading.names);
    groups.set(top, [...(groups.get(top) ?? []), { change, text }]);
  }
  return [...groups.values()].flatMap((parts) => planGroup(reading, parts, facts));
}

function planGroup(reading: Reading, parts: readonly Part[], facts: PlanFacts): readonly Planned[] {
  const binding = planBinding(reading, parts, facts.mentions);
  if (!('code' in binding)) {
    const holder = heldAt(facts.held, binding.range);
    if (holder?.engine === 'scope-binding' && !holder.exact) {
      return parts.map(({ change }) => refused(change, CODES.overlapsPatch, { other: holder.function }));
    }
    if (!holder || holder.engine === 'scope-binding') {
      const [{ change }] = parts as readonly [Part];
      const line =
        parts.length === 1 ? change.line : reading.texts.edited.lineAt(topUnit(change.edited).range.start);
      return [{ ok: true, replacement: replacement(reading, change, 'scope-binding', { ...binding, line }) }];
    }
  }
  return parts.map((part) => planLiveEdit(reading, part, binding, facts));
}

function planLiveEdit(
  reading: Reading,
  { change, text: whole }: Part,
  binding: BindingPlan | Refusal,
  facts: PlanFacts,
): Planned {
  const behindHead = withRunningHead(reading, change);
  const text = behindHead ?? whole;
  const name = change.running.name;
  const holder = heldAt(facts.held, change.running.range);
  if (holder && !holder.exact) return refused(change, CODES.overlapsPatch, { other: holder.function });
  if (holder?.engine === 'scope-binding')
    return refused(change, CODES.heldByOtherEngine, { engine: holder.engine });

  const nested = reading.changes.find(({ running }) => isInside(running, change.running));
  const missing = namesNotRunning(reading, change)[0];
  if (missing !== undefined) return refused(change, CODES.nameUnreachable, { name: missing });
  const unsafe: Refusal | null = nested
    ? {
        code: CODES.liveEditUnsafe,
        data: { function: name, reason: `${nested.running.name} inside it changed as well` },
      }
    : liveEditRefusal(reading.running.parsed, change.running, change.edited, text);
  const blocked = unsafe ?? liveEditBlock(facts, name, binding);
  if (blocked) {
    const refusal = unsafe && 'code' in binding ? moreTelling(binding, unsafe) : blocked;
    return { ok: false, function: name, line: change.line, refusal };
  }
  const { node, range } = change.running;
  const doors = [{ offset: (node.body as Node).start }];
  return {
    ok: true,
    replacement: replacement(reading, change, 'live-edit', {
      ...{ name, range, text, doors, line: change.line },
      ...(behindHead === null ? {} : { bodyOffset: (node.body as Node).start - range.start }),
    }),
  };
}

/**
 * The edited body behind the parameters as they run, where those are the same: V8 ignores an edit that touches them, and
 * another compiler lays them out in its own way. Null: they differ.
 */
function withRunningHead(reading: Reading, { running, edited }: Change): string | null {
  const [before, after] = [running.node.body as Node, edited.node.body as Node];
  if (before.type !== 'BlockStatement' || after.type !== 'BlockStatement') return null;
  if (running.node.type !== edited.node.type || kindOf(running) !== kindOf(edited)) return null;
  const [x, y] = [edited.node.params, running.node.params];
  const same = (param: (typeof x)[number], at: number) => {
    const other = y[at];
    return (
      other !== undefined &&
      compare(reading.edited, param as Node, reading.running, other as Node, reading.names) !== null
    );
  };
  if (x.length !== y.length || !x.every(same)) return null;
  const head = reading.running.parsed.text.slice(running.range.start, before.start);
  return head + renamed(reading.edited.parsed, { node: after, range: after }, reading.names);
}

function kindOf({ node, place }: FunctionUnit): string {
  const part = 'part' in place ? place.part : 'value';
  return [Boolean(node.async), Boolean(node.generator), part].join();
}

function refused(change: Change, code: Code, data: Details): Planned {
  const name = change.running.name;
  return {
    ok: false,
    function: name,
    line: change.line,
    refusal: { code, data: { function: name, ...data } },
  };
}

/** Live edit could do it, but must not: it is gone, or may crash the process and the user has not agreed. */
function liveEditBlock(facts: PlanFacts, name: string, binding: BindingPlan | Refusal): Refusal | null {
  const { liveEdit, node } = facts.target;
  const why = 'code' in binding ? reasonOf(binding) : 'a loaded patch holds it that way';
  if (liveEdit === 'gone') return { code: CODES.liveEditGone, data: { function: name, why, node } };
  if (liveEdit === 'risky' && !facts.allowLiveEdit) {
    return { code: CODES.liveEditConsent, data: { function: name, why, node } };
  }
  return null;
}

/** Two engines refused; the user can act on a missing name, hardly on V8's rules for a kind we cannot bind. */
function moreTelling(binding: Refusal, liveEdit: Refusal): Refusal {
  const actionable: string[] = [CODES.nameUnreachable, CODES.referenceTaken];
  return actionable.includes(binding.code) && liveEdit.code !== CODES.shapeChanged ? binding : liveEdit;
}

function heldAt(
  held: ScriptSource['held'],
  own: Range,
): { readonly function: string; readonly engine: EngineName; readonly exact: boolean } | null {
  for (const { function: other, engine, range } of held) {
    if (range.end <= own.start || own.end <= range.start) continue;
    return { function: other, engine, exact: own.start === range.start && own.end === range.end };
  }
  return null;
}

function replacement(
  reading: Reading,
  change: Change,
  engine: EngineName,
  {
    name,
    ...parts
  }: Pick<Replacement, 'range' | 'text' | 'doors' | 'line'> & { name: string } & Partial<
      BindingPlan & Pick<Replacement, 'bodyOffset'>
    >,
): Replacement {
  const { file, running } = reading.texts;
  const { node, range } = change.edited;
  const bodyOffset = (node.body as Node).start - range.start;
  const old = engine === 'scope-binding' ? topUnit(change.running) : change.running;
  const oldBodyOffset = (old.node.body as Node).start - old.range.start;
  return { function: name, file, url: running.url, engine, bodyOffset, oldBodyOffset, ...parts };
}

function reasonOf({ code, data }: Refusal): string {
  const { reason } = data;
  return typeof reason === 'string' ? reason : explain(code, data).what.replace(/\.$/, '');
}
