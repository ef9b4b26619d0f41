import type { Variable } from 'eslint-scope';
import { CODES, type Binding, type DoorSite, type Mention, type Range } from '../../agent/protocol.ts';
import { bindingTarget } from './bindingTarget.ts';
import {
  capturedNames,
  freeNames,
  scopeOf,
  usesLexicalThis,
  usesPrivateNames,
  WRAPPER_NAMES,
} from './captures.ts';
import { isInside, type Change, type Reading, type Refusal } from './changes.ts';
import { doorSites } from './doorSites.ts';
import { follow } from './follow.ts';
import type { FunctionUnit } from './functions.ts';
import { expressionOf } from './newFunction.ts';
import { isFunction, parentOf, walk, type FunctionNode, type Node, type Parsed } from './parse.ts';
import { namesLeadingTo } from './references.ts';

/** How scope binding will replace a function: itself, or the function at the top level around it. */
export interface BindingPlan {
  /** What it is called to the user: the one changed function, or the top-level one around several. */
  readonly name: string;
  readonly range: Range;
  readonly text: string;
  readonly expression: string;
  readonly binding: Binding;
  readonly doors: readonly DoorSite[];
}

/** A chosen change with its new text, named as the running script names things. */
export interface Part {
  readonly change: Change;
  readonly text: string;
}

/**
 * What the texts of other scripts have in them that may keep the function; asked of the target before `planBinding`.
 * Asked again with the mentions that came of it, it may name more: scripts that give the function on.
 */
export function namesToLookFor(
  reading: Reading,
  change: Change,
  mentions: readonly Mention[] = [],
): readonly string[] {
  const home = { parsed: reading.running.parsed, url: reading.texts.running.url };
  return namesLeadingTo(home, topUnit(change.running), mentions);
}

/** The function at the top level of the script around this one, or itself. */
export function topUnit(unit: FunctionUnit): FunctionUnit {
  let top = unit;
  while (top.parent) top = top.parent;
  return top;
}

/** Module names that the new code uses and the running script does not have at all: no engine can give them. */
export function namesNotRunning(reading: Reading, change: Change): readonly string[] {
  const { moduleScope, isModule } = reading.running.parsed;
  return outerNames(reading, change).module.filter(
    (name) => !moduleScope.set.has(name) && !(WRAPPER_NAMES.has(name) && !isModule),
  );
}

/** Plans scope binding for changes under one top-level function, or says why it cannot be done truthfully. */
export function planBinding(
  reading: Reading,
  parts: readonly Part[],
  mentions: readonly Mention[],
): BindingPlan | Refusal {
  const { parsed } = reading.running;
  const [first] = parts;
  if (!first) return { code: CODES.nothingChanged, data: { file: reading.texts.file } };
  const unit = topUnit(first.change.running);
  const name = parts.length === 1 ? first.change.running.name : unit.name;
  const lasting = lastingPart(reading, unit, parts);
  if (lasting) return lasting;

  const captured = capturedNames(parsed);
  const target = bindingTarget(reading, unit, captured, mentions);
  if ('code' in target) {
    // The line that the user sees, not the one of the compiled text.
    const closureLine = first.change.line;
    return target.code === CODES.closureAlive ? { ...target, data: { ...target.data, closureLine } } : target;
  }
  const whole = parts.find(({ change }) => change.running === unit);
  const shape = whole && changedShape(unit, whole.change.edited);
  if (shape) return shape;

  const names = new Set([...target.names, ...freeNames(parsed, unit.node).keys()]);
  let inClass = parts.some(({ change }) => usesPrivateNames(change.edited.node));
  for (const { change } of parts) {
    const outer = outerNames(reading, change);
    const missing =
      outer.module.find((needs) => !captured.has(needs)) ??
      outer.classes.find((needs) => !isCapturedInClass(parsed, unit, needs));
    if (missing !== undefined)
      return { code: CODES.nameUnreachable, data: { function: name, name: missing } };
    if (outer.isInside) {
      const reason = 'it is inside a function that was called at once';
      return { code: CODES.unsupportedFunction, data: { function: unit.name, reason } };
    }
    inClass ||= outer.classes.length > 0;
    for (const each of outer.all) names.add(each);
  }
  const doors = doorSites(parsed, {
    node: unit.node,
    names,
    within:
      target.through?.classNode ?? (inClass && unit.place.kind === 'method' ? unit.place.classNode : null),
    through: target.through?.side ?? null,
  });
  if (doors.length === 0) return { code: CODES.noDoor, data: { function: name } };
  const text = spliced(parsed.text, unit, parts);
  const expression = expressionOf(parsed, unit, whole?.change.edited ?? unit, text);
  return { name, range: unit.range, text, expression, binding: target.binding, doors };
}

/** Something of the old code that outlives the call it began in, and that a new binding does not reach. */
function lastingPart(reading: Reading, unit: FunctionUnit, parts: readonly Part[]): Refusal | null {
  const { parsed } = reading.running;
  const alive = reading.changes.find(
    ({ running }) =>
      running !== unit &&
      parts.some(({ change }) => change.running === running || isInside(running, change.running)) &&
      !endsWith(parsed, unit.node, running.node),
  );
  if (alive) return { code: CODES.closureAlive, data: { function: unit.name, closureLine: alive.line } };
  for (const { change } of parts) {
    for (let at: FunctionUnit | null = change.running; at; at = at.parent) {
      if (!loopsForLong(at.node)) continue;
      const reason = 'it waits inside a loop, and a call that is under way would go on with the old code';
      return { code: CODES.unsupportedFunction, data: { function: at.name, reason } };
    }
  }
  return null;
}

/** `for (;;) await …`, `while (running) await …`, `for await (…)`: a call of it may never end. */
function loopsForLong(node: FunctionUnit['node']): boolean {
  if (!node.async && !node.generator) return false;
  let found = false;
  walk(node.body as Node, (at, parents) => {
    if (isFunction(at)) return false;
    const waits = at.type === 'AwaitExpression' || at.type === 'YieldExpression';
    if (at.type === 'ForOfStatement' && at.await) found = true;
    else if (waits && parents.some(isOpenLoop)) found = true;
    return !found;
  });
  return found;
}

function isOpenLoop(node: Node): boolean {
  if (node.type === 'ForStatement') return !node.test;
  return node.type === 'WhileStatement' || node.type === 'DoWhileStatement';
}

/** What an edit may not change of a function that is bound anew: on which side of what it is held. */
function changedShape(running: FunctionUnit, edited: FunctionUnit): Refusal | null {
  const [before, after] = [running.place, edited.place];
  const part = (place: typeof before) => ('part' in place ? place.part : 'value');
  const isStatic = (place: typeof before) => place.kind === 'method' && place.isStatic;
  const change = (what: string): Refusal => ({
    code: CODES.shapeChanged,
    data: { function: running.name, change: what },
  });
  if (part(before) !== part(after)) return change('an accessor and a function are not the same');
  if (isStatic(before) !== isStatic(after))
    return change(isStatic(after) ? 'now static' : 'no longer static');
  if (edited.node.type === 'ArrowFunctionExpression' && usesLexicalThis(edited.node))
    return change('now an arrow function that uses this');
  return null;
}

/** The running text of the top-level function with every chosen change in its place. */
function spliced(text: string, outer: FunctionUnit, parts: readonly Part[]): string {
  const whole = parts.find(({ change }) => change.running === outer);
  if (whole) return whole.text;
  let result = '';
  let at = outer.range.start;
  const inOrder = [...parts].sort((x, y) => x.change.running.range.start - y.change.running.range.start);
  for (const { change, text: own } of inOrder) {
    const { range } = change.running;
    if (range.start < at) continue; // Inside a part that is there already.
    result += text.slice(at, range.start) + own;
    at = range.end;
  }
  return result + text.slice(at, outer.range.end);
}

/** Do all calls of a nested function end within the call of `outer` it was made in? Then nobody keeps old code of it. */
function endsWith(parsed: Parsed, outer: Node, node: Node, seen = new Set<Node>()): boolean {
  for (let at: Node | null = node; at && at !== outer; at = parentOf(parsed, at)) {
    if (!isFunction(at) || seen.has(at)) continue;
    seen.add(at);
    // `xs.map(x => …)`, or called at once.
    if (parentOf(parsed, at)?.type === 'CallExpression' || parentOf(parsed, at)?.type === 'NewExpression') {
      if (follow(parsed, [{ node: at, value: 'function' }]).taken.length > 0) return false;
      continue;
    }
    const variable = variableOfFunction(parsed, at);
    if (!variable || follow(parsed, [{ variable, value: 'function' }]).taken.length > 0) return false;
    const callers = variable.references.map(({ identifier }) => identifier as Node);
    if (!callers.every((caller) => endsWith(parsed, outer, caller, seen))) return false;
  }
  return true;
}

/** The variable that a nested function is bound to, and nothing else ever. */
function variableOfFunction(parsed: Parsed, node: FunctionNode): Variable | null {
  const above = parentOf(parsed, node);
  const isDeclared = node.type === 'FunctionDeclaration';
  if (!isDeclared && (above?.type !== 'VariableDeclarator' || above.id.type !== 'Identifier')) return null;
  const made = isDeclared ? node : above;
  for (const scope of parsed.scopes.scopes) {
    const variable = scope.variables.find(({ defs }) => defs.some((def) => (def.node as Node) === made));
    if (!variable || scope.type === 'function-expression-name') continue;
    const writes = variable.references.filter((reference) => reference.isWrite());
    return variable.defs.length === 1 && writes.length === (isDeclared ? 0 : 1) ? variable : null;
  }
  return null;
}

interface OuterNames {
  /** Names of the module, as the running script calls them. */
  readonly module: readonly string[];
  /** Inner names of classes. */
  readonly classes: readonly string[];
  /** It uses names of a function around the top-level one: one that was called at once. */
  readonly isInside: boolean;
  /** All of them and the globals. */
  readonly all: readonly string[];
}

/** What the new code means from outside the top-level function that it is in. */
function outerNames(reading: Reading, change: Change): OuterNames {
  const { edited, running, names } = reading;
  const outer = { module: [] as string[], classes: [] as string[], isInside: false, all: [] as string[] };
  const top = topUnit(change.edited).node;
  for (const [name, variable] of freeNames(edited.parsed, change.edited.node)) {
    const block = variable?.scope.block as Node | undefined;
    if (block && block !== top && top.start <= block.start && block.end <= top.end) continue;
    if (block === top && change.edited.node !== top) continue;
    const isModules = variable?.scope === edited.parsed.moduleScope;
    const isWrapper = !variable && !running.parsed.isModule && WRAPPER_NAMES.has(name);
    const text = isModules ? (names.get(name) ?? name) : name;
    const root = text.split('.')[0] ?? text;
    outer.all.push(root);
    if (isModules || isWrapper) outer.module.push(root);
    else if (variable?.scope.type === 'class') outer.classes.push(name);
    else if (variable && variable.scope.type !== 'global') outer.isInside = true;
  }
  return outer;
}

/** Does some function inside the class use its inner name, so that V8 keeps it? */
function isCapturedInClass(parsed: Parsed, unit: FunctionUnit, name: string): boolean {
  if (unit.place.kind !== 'method') return false;
  for (let scope = scopeOf(parsed, unit.node); scope; scope = scope.upper) {
    if (scope.type !== 'class') continue;
    const variable = scope.set.get(name);
    if (variable) return variable.references.some(({ from }) => from !== scope);
  }
  return false;
}
