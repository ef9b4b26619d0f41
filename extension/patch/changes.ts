import { CODES, type Code, type Details } from '../../agent/protocol.ts';
import {
  compare,
  differingStatement,
  exportedNames,
  importedNames,
  NameMap,
  sideOf,
  type Side,
} from './compare.ts';
import { functionsOf, type FunctionUnit } from './functions.ts';
import { parse, type Parsed } from './parse.ts';

/** A reason why something is not done: a code of the catalogue and what fills its words. */
export interface Refusal {
  readonly code: Code;
  readonly data: Details;
}

/** Compiled text with its way back to the user's source. */
export interface CompiledText {
  readonly text: string;
  /** 1-based line of the user's source for an offset of `text`; 1 where nothing is known. */
  readonly lineAt: (offset: number) => number;
}

/** The texts a plan is made from. */
export interface Texts {
  /** The user's file, absolute. */
  readonly file: string;
  /** The baseline of the running script. */
  readonly running: { readonly url: string; readonly text: string; readonly isModule: boolean };
  readonly edited: CompiledText;
  /** The source the running script was made from, compiled like `edited`; null if that source is not known. */
  readonly baseline: string | null;
}

/** What the user chose, of what they edited. */
export type Choice =
  | { readonly kind: 'names'; readonly names: readonly string[] }
  | { readonly kind: 'line'; readonly line: number }
  | { readonly kind: 'changed' };

/** A function as it runs and as it was edited. */
export interface Change {
  readonly running: FunctionUnit;
  readonly edited: FunctionUnit;
  /** 1-based line in the user's source. */
  readonly line: number;
}

/** Both texts, understood. */
export interface Reading {
  readonly texts: Texts;
  readonly running: Side & { readonly list: readonly FunctionUnit[] };
  readonly edited: Side & { readonly list: readonly FunctionUnit[] };
  readonly names: NameMap;
  readonly changes: readonly Change[];
  /** Functions whose running text the recipe does not reproduce. */
  readonly foreign: ReadonlySet<FunctionUnit>;
  /** 1-based line of the first edit outside all functions, if there is one. */
  readonly outsideLine: number | null;
}

export type Selected =
  | { readonly ok: true; readonly change: Change }
  | { readonly ok: false; readonly function: string; readonly line: number; readonly refusal: Refusal };

/** Understands the texts and finds what differs. Never throws; a syntax error comes back with its place. */
export function read(texts: Texts): Reading | Refusal {
  const runningText = parse(texts.running.text, texts.running.isModule);
  if (!runningText.ok) {
    return { code: CODES.otherCompiler, data: { function: texts.running.url } };
  }
  const editedText = parse(texts.edited.text, texts.running.isModule || hasModuleSyntax(texts.edited.text));
  if (!editedText.ok) {
    const { line, column, message } = editedText;
    return { code: CODES.syntaxError, data: { file: texts.file, line, column, message } };
  }
  const imported = importedNames(editedText.parsed, runningText.parsed);
  const written = new Map([...imported].map(([name, text]) => [text, name]));
  const running = side(runningText.parsed, written);
  const edited = side(editedText.parsed);
  const same = texts.baseline === texts.running.text;
  const baselineText =
    texts.baseline === null ? null : same ? runningText : parse(texts.baseline, editedText.parsed.isModule);
  const baseline = baselineText?.ok ? (same ? running : side(baselineText.parsed)) : null;
  return differences(texts, running, edited, baseline, imported);
}

export function isRefusal(value: Reading | Refusal): value is Refusal {
  return 'code' in value;
}

/** The chosen functions, each with its change or the reason why there is nothing to plan for it. */
export function select(reading: Reading, choice: Choice): readonly Selected[] {
  switch (choice.kind) {
    case 'names':
      return choice.names.flatMap((name) => selectNamed(reading, name));
    case 'line':
      return [selectAround(reading, choice.line)];
    case 'changed':
      return selectChanged(reading);
  }
}

function differences(
  texts: Texts,
  running: SideList,
  edited: SideList,
  baseline: SideList | null,
  imported: ReadonlyMap<string, string>,
): Reading {
  const names = new NameMap();
  const foreign = new Set<FunctionUnit>();
  const changes: Change[] = [];
  const runningByName = new Map(running.list.map((unit) => [unit.name, unit]));
  const origin = baseline ?? edited;
  const pristine = origin === running;

  // First what can be learned from functions that are as they run, then who differs.
  if (!pristine) {
    for (const unit of origin.list) {
      const twin = runningByName.get(unit.name);
      if (!twin) continue;
      const taught = compare(origin, unit.node, running, twin.node, names);
      if (taught) names.merge(taught);
      else if (baseline) foreign.add(twin);
    }
    names.suppose(imported);
    names.suppose(exportedNames(edited.parsed, running.parsed));
  }
  const editedByName = new Map(edited.list.map((unit) => [unit.name, unit]));
  for (const unit of origin.list) {
    const twin = runningByName.get(unit.name);
    const after = editedByName.get(unit.name);
    if (!twin || !after) continue;
    const unchanged = baseline
      ? compare(baseline, unit.node, edited, after.node, null)
      : compare(edited, after.node, running, twin.node, names);
    if (!unchanged)
      changes.push({ running: twin, edited: after, line: texts.edited.lineAt(after.range.start) });
  }
  const outside = baseline && differingStatement(baseline, edited);
  const outsideLine = outside ? texts.edited.lineAt(outside.start) : null;
  return { texts, running, edited, names, changes, foreign, outsideLine };
}

type SideList = Side & { readonly list: readonly FunctionUnit[] };

function side(parsed: Parsed, written?: ReadonlyMap<string, string>): SideList {
  const list = functionsOf(parsed, written);
  return { ...sideOf(parsed, list), list };
}

function selectNamed(reading: Reading, name: string): Selected[] {
  const { texts, edited } = reading;
  const wanted = edited.list.filter((unit) => unit.name === name || unit.name.replace(/#\d+$/, '') === name);
  const file = texts.file;
  if (wanted.length === 0) {
    const available = edited.list.map((unit) => unit.name);
    return [
      {
        ok: false,
        function: name,
        line: 1,
        refusal: { code: CODES.noSuchFunction, data: { function: name, file, available } },
      },
    ];
  }
  const accessors = wanted.every(({ place }) => 'part' in place && place.part !== 'value');
  if (wanted.length > 1 && !accessors) {
    const exact = wanted.filter((unit) => unit.name === name);
    const data = { function: name, file, count: wanted.length };
    if (exact.length !== 1 || wanted.length > 1) {
      return [{ ok: false, function: name, line: 1, refusal: { code: CODES.ambiguousFunction, data } }];
    }
  }
  const chosen = wanted.map((unit) => selectUnit(reading, unit));
  const changed = chosen.filter((each) => each.ok);
  return changed.length > 0 ? changed : chosen.slice(0, 1);
}

function selectAround(reading: Reading, line: number): Selected {
  const { texts, edited } = reading;
  const around = edited.list.filter(({ range }) => {
    return texts.edited.lineAt(range.start) <= line && line <= texts.edited.lineAt(range.end - 1);
  });
  const innermost = around.at(-1);
  if (!innermost) {
    const refusal: Refusal = { code: CODES.outsideFunctions, data: { file: texts.file, line } };
    return { ok: false, function: '', line, refusal };
  }
  // The edit may be in a function around the one that the cursor is in.
  const changed = around.findLast((unit) => reading.changes.some((change) => change.edited === unit));
  return selectUnit(reading, changed ?? innermost);
}

function selectChanged(reading: Reading): readonly Selected[] {
  const { texts, outsideLine, changes } = reading;
  const file = texts.file;
  if (outsideLine !== null) {
    const refusal: Refusal = { code: CODES.outsideFunctions, data: { file, line: outsideLine } };
    return [{ ok: false, function: '', line: outsideLine, refusal }];
  }
  if (changes.length === 0) {
    return [{ ok: false, function: '', line: 1, refusal: { code: CODES.nothingChanged, data: { file } } }];
  }
  return changes.map((change) => guarded(reading, change));
}

function selectUnit(reading: Reading, unit: FunctionUnit): Selected {
  const line = reading.texts.edited.lineAt(unit.range.start);
  const inside = reading.changes.filter(({ edited }) => edited === unit || isInside(edited, unit));
  const change =
    inside.find(({ edited }) => edited === unit) ?? (inside.length === 1 ? inside[0] : undefined);
  if (change) return guarded(reading, change);
  const twin = reading.running.list.find(({ name }) => name === unit.name);
  if (twin && inside.length > 1) return guarded(reading, { running: twin, edited: unit, line });
  const code = twin ? CODES.nothingChanged : CODES.functionNotRunning;
  return {
    ok: false,
    function: unit.name,
    line,
    refusal: { code, data: { function: unit.name, file: reading.texts.file } },
  };
}

/** A change, if it is known what of the running text it replaces. */
function guarded(reading: Reading, change: Change): Selected {
  const { edited, running, line } = change;
  const foreign: Refusal | null = reading.foreign.has(running)
    ? { code: CODES.otherCompiler, data: { function: edited.name } }
    : null;
  const refusal = foreign ?? miscounted(reading, edited);
  return refusal ? { ok: false, function: edited.name, line, refusal } : { ok: true, change };
}

/** Functions that share a label are told apart by their order alone: one more or less, and which is which is not known. */
function miscounted({ running, edited, texts }: Reading, { name }: FunctionUnit): Refusal | null {
  const label = labelOf(name);
  const count = (list: readonly FunctionUnit[]) => list.filter((unit) => labelOf(unit.name) === label).length;
  const [before, after] = [count(running.list), count(edited.list)];
  if (before === after || Math.max(before, after) === 1) return null;
  return {
    code: CODES.ambiguousFunction,
    data: { function: label, file: texts.file, count: Math.max(before, after) },
  };
}

/** The name without the numbers that tell functions of one label apart. */
function labelOf(name: string): string {
  return name.replace(/#\d+(?=\.|$)/g, '');
}

export function isInside(inner: FunctionUnit, outer: FunctionUnit): boolean {
  for (let unit = inner.parent; unit; unit = unit.parent) if (unit === outer) return true;
  return false;
}

function hasModuleSyntax(text: string): boolean {
  return /^\s*(?:import|export)\b/m.test(text);
}
