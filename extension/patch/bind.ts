import type { Variable } from 'eslint-scope';
import { CODES, type Binding, type DoorSite, type Mention, type Range } from '../../agent/protocol.ts';
import { isInside, type Change, type Reading, type Refusal } from './changes.ts';
import type { FunctionUnit, Place } from './functions.ts';
import { isFunction, walk, type FunctionNode, type Node, type Parsed } from './parse.ts';
import {
  capturedNames,
  freeNames,
  linesTakingProperty,
  scopeOf,
  takenByImporters,
  useOfBinding,
  usesLexicalThis,
  usesPrivateNames,
} from './references.ts';

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

/** More sites do not open a door sooner, and each costs the target a breakpoint. */
const MOST_DOORS = 48;

/** The names under which other scripts may know the function; asked of the target before `planBinding`. */
export function namesToLookFor(reading: Reading, change: Change): readonly string[] {
  const { place } = topUnit(change.running);
  switch (place.kind) {
    case 'method':
      return place.isPrivate || place.key === null ? [] : [place.key];
    case 'property':
    case 'export':
      return [place.key];
    case 'binding': {
      const { parsed } = reading.running;
      const variable = parsed.moduleScope.set.get(place.name);
      if (!variable) return [];
      return exportNames(parsed, variable);
    }
    case 'closure':
      return [];
  }
}

/** A chosen change with its new text, named as the running script names things. */
export interface Part {
  readonly change: Change;
  readonly text: string;
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
  const alive = reading.changes.find(
    ({ running }) =>
      running !== unit &&
      parts.some(({ change }) => change.running === running || isInside(running, change.running)) &&
      !isCalledOnly(parsed, running),
  );
  if (alive) return { code: CODES.closureAlive, data: { function: unit.name, closureLine: alive.line } };

  const captured = capturedNames(parsed);
  const target = bindingOf(reading, unit, captured, mentions);
  if ('code' in target) return target;
  const needed = [...new Set(parts.flatMap(({ change }) => neededNames(reading, change)))];
  for (const needs of needed) {
    if (!captured.has(needs) && !(unit.place.kind === 'method' && unit.place.className === needs)) {
      return { code: CODES.nameUnreachable, data: { function: name, name: needs } };
    }
  }
  const privately = parts.some(({ change }) => usesPrivateNames(change.edited.node));
  const doors = doorSites(reading, unit, { needed, target, privately });
  if (doors.length === 0) return { code: CODES.noDoor, data: { function: name } };
  const text = spliced(parsed.text, unit, parts);
  return {
    name,
    range: unit.range,
    text,
    expression: expressionOf(unit, text, parsed),
    binding: target.binding,
    doors,
  };
}

interface Target {
  readonly binding: Binding;
  /** Only a door in this class's own methods reaches it. */
  readonly withinClass: Node | null;
  /** Names the holder expression or the assignment needs. */
  readonly names: readonly string[];
}

/** The function at the top level of the script around this one, or itself. */
export function topUnit(unit: FunctionUnit): FunctionUnit {
  let top = unit;
  while (top.parent) top = top.parent;
  return top;
}

/** The running text of the top-level function with every chosen change in its place. */
function spliced(text: string, outer: FunctionUnit, parts: readonly Part[]): string {
  const whole = parts.find(({ change }) => change.running === outer);
  if (whole) return whole.text;
  let result = '';
  let at = outer.range.start;
  for (const { change, text: own } of [...parts].sort(
    (x, y) => x.change.running.range.start - y.change.running.range.start,
  )) {
    const { range } = change.running;
    if (range.start < at) continue; // Inside a part that is there already.
    result += text.slice(at, range.start) + own;
    at = range.end;
  }
  return result + text.slice(at, outer.range.end);
}

/** A nested function that its surroundings only call: none outlives the call it was made in. */
function isCalledOnly(parsed: Parsed, unit: FunctionUnit): boolean {
  for (let at: FunctionUnit = unit; at.parent; at = at.parent) {
    const { place } = at;
    if (place.kind !== 'binding') return false;
    const scope = scopeOf(parsed, at.parent.node);
    const variable = findVariable(scope, place.name, at.node);
    if (
      !variable ||
      useOfBinding(parsed, variable).taken.length > (at.node.type === 'FunctionDeclaration' ? 0 : 1)
    ) {
      return false;
    }
  }
  return true;
}

function findVariable(scope: ReturnType<typeof scopeOf>, name: string, node: Node): Variable | null {
  if (!scope) return null;
  const here = scope.set.get(name);
  if (here && here.defs.some((def) => def.node === node || (def.node as { init?: unknown }).init === node))
    return here;
  for (const child of scope.childScopes) {
    const found = findVariable(child, name, node);
    if (found) return found;
  }
  return null;
}

function bindingOf(
  reading: Reading,
  unit: FunctionUnit,
  captured: ReadonlySet<string>,
  mentions: readonly Mention[],
): Target | Refusal {
  const { place } = unit;
  const unsupported = (reason: string): Refusal => ({
    code: CODES.unsupportedFunction,
    data: { function: unit.name, reason },
  });
  if (unit.node.type === 'ArrowFunctionExpression' && usesLexicalThis(unit.node))
    return unsupported('an arrow function that uses this');
  switch (place.kind) {
    case 'closure':
      return {
        code: CODES.closureAlive,
        data: { function: unit.name, closureLine: unit.node.loc.start.line },
      };
    case 'binding':
      return declaredBinding(reading, unit, place, captured, mentions);
    case 'method':
      return methodBinding(reading, unit, place, captured, mentions);
    case 'export': {
      const taken =
        takenElsewhere(reading, unit, [place.key], mentions) ?? takenHere(reading, unit, place.key);
      if (taken) return taken;
      const binding: Binding = {
        kind: 'declaration',
        name: place.key,
        reachable: false,
        exported: [place.key],
      };
      return { binding, withinClass: null, names: [] };
    }
    case 'property': {
      const root = place.holder?.split('.')[0];
      if (!place.holder || !root || root === 'this') return unsupported('nothing names the object it is in');
      if (!captured.has(root))
        return { code: CODES.nameUnreachable, data: { function: unit.name, name: root } };
      const taken =
        takenElsewhere(reading, unit, [place.key], mentions) ?? takenHere(reading, unit, place.key);
      if (taken) return taken;
      const binding: Binding = {
        kind: 'property',
        holders: [place.holder],
        key: place.key,
        part: place.part,
      };
      return { binding, withinClass: null, names: [root] };
    }
  }
}

function declaredBinding(
  reading: Reading,
  unit: FunctionUnit,
  place: Extract<Place, { kind: 'binding' }>,
  captured: ReadonlySet<string>,
  mentions: readonly Mention[],
): Target | Refusal {
  const { parsed } = reading.running;
  const { name } = place;
  if (!place.assignable) {
    return {
      code: CODES.unsupportedFunction,
      data: { function: unit.name, reason: 'a const cannot be bound anew' },
    };
  }
  const variable = parsed.moduleScope.set.get(name);
  if (!variable)
    return { code: CODES.closureAlive, data: { function: unit.name, closureLine: unit.node.loc.start.line } };
  const { exported, taken } = useOfBinding(parsed, variable);
  // The variable's own initialization is a write of the function, not a use of it.
  const writes = variable.references
    .filter((reference) => reference.isWrite())
    .map(({ identifier }) => identifier.loc?.start.line);
  const first = taken.find(({ line }) => !writes.includes(line));
  if (writes.length > 1 || (writes.length === 1 && unit.node.type === 'FunctionDeclaration')) {
    return {
      code: CODES.unsupportedFunction,
      data: { function: unit.name, reason: 'the program assigns it anew' },
    };
  }
  if (first) return referenceTaken(unit, reading.texts.running.url, first.line);
  const elsewhere = takenElsewhere(reading, unit, exportNames(parsed, variable), mentions);
  if (elsewhere) return elsewhere;
  const reachable = captured.has(name);
  if (!reachable && exported.length === 0 && !isExported(parsed, variable)) {
    return { code: CODES.nameUnreachable, data: { function: unit.name, name } };
  }
  if (!reachable && parsed.isModule)
    return { code: CODES.nameUnreachable, data: { function: unit.name, name } };
  return {
    binding: { kind: 'declaration', name, reachable, exported },
    withinClass: null,
    names: reachable ? [name] : [],
  };
}

function methodBinding(
  reading: Reading,
  unit: FunctionUnit,
  place: Extract<Place, { kind: 'method' }>,
  captured: ReadonlySet<string>,
  mentions: readonly Mention[],
): Target | Refusal {
  const { className, key, part, isStatic } = place;
  const refuse = (reason: string): Refusal => ({
    code: CODES.unsupportedFunction,
    data: { function: unit.name, reason },
  });
  if (place.isConstructor) return refuse('a constructor cannot be bound anew');
  if (place.isPrivate) return refuse('a private method cannot be bound anew');
  if (key === null) return refuse('its name is computed');
  const taken = takenElsewhere(reading, unit, [key], mentions) ?? takenHere(reading, unit, key);
  if (taken) return taken;
  const reachable =
    className !== null && captured.has(className) && reading.running.parsed.moduleScope.set.has(className);
  const named = isStatic ? className : `${className}.prototype`;
  const holders = reachable && named ? [named] : ['this'];
  const binding: Binding = { kind: 'property', holders, key, part };
  return {
    binding,
    withinClass: reachable ? null : place.classNode,
    names: reachable && className ? [className] : [],
  };
}

/** A read of the property that is no call, in the script itself. */
function takenHere(reading: Reading, unit: FunctionUnit, key: string): Refusal | null {
  const { parsed } = reading.running;
  if (unit.place.kind === 'method' && unit.place.part !== 'value') return null;
  const [line] = linesTakingProperty(parsed, key);
  return line === undefined ? null : referenceTaken(unit, reading.texts.running.url, line);
}

function takenElsewhere(
  reading: Reading,
  unit: FunctionUnit,
  names: readonly string[],
  mentions: readonly Mention[],
): Refusal | null {
  // Reading an accessor runs it; there is no function object to keep.
  if (names.length === 0 || ('part' in unit.place && unit.place.part !== 'value')) return null;
  const [first] = takenByImporters(mentions, new Set(names), reading.texts.running.url);
  return first ? referenceTaken(unit, first.url, first.line) : null;
}

function referenceTaken(unit: FunctionUnit, url: string, line: number): Refusal {
  const where = `${url.replace(/^file:\/\//, '')}:${line}`;
  return { code: CODES.referenceTaken, data: { function: unit.name, where } };
}

/** Module names that the new code uses, as the running script calls them. */
function neededNames(reading: Reading, change: Change): readonly string[] {
  const needed: string[] = [];
  for (const [name, variable] of freeNames(reading.edited.parsed, change.edited.node)) {
    const isModules = variable?.scope === reading.edited.parsed.moduleScope;
    const inWrapper = !variable && !reading.running.parsed.isModule && WRAPPER.has(name);
    if (!isModules && !inWrapper) continue;
    const text = reading.names.get(name) ?? name;
    needed.push(text.split('.')[0] ?? text);
  }
  return [...new Set(needed)];
}

const WRAPPER = new Set(['exports', 'require', 'module', '__filename', '__dirname']);

/**
 * Functions whose calls open a door from which the new code sees the module as it would at its own place: nothing
 * between them and the module declares a name that the new code means, and they are strict if it is not sloppy.
 */
function doorSites(
  reading: Reading,
  unit: FunctionUnit,
  { needed, target, privately }: { needed: readonly string[]; target: Target; privately: boolean },
): readonly DoorSite[] {
  const { parsed } = reading.running;
  const within = privately && unit.place.kind === 'method' ? unit.place.classNode : target.withinClass;
  const isStatic = unit.place.kind === 'method' && unit.place.isStatic;
  const names = new Set([...needed, ...target.names]);
  const strict = isStrict(parsed, unit.node);
  const sites: { offset: number; near: number }[] = [];
  walk(parsed.ast, (node, parents) => {
    if (!isFunction(node)) return;
    if (within && !isMethodOf(within, parents, isStatic, target.withinClass !== null)) return;
    if (parents.at(-1)?.type === 'MethodDefinition' && isConstructor(parents.at(-1))) return;
    if (!strict && isStrict(parsed, node)) return;
    if (shadows(parsed, node, names)) return;
    sites.push({ offset: (node.body as Node).start, near: distance(node, unit.node) });
  });
  // The function itself first: whatever else is never called, its own first call opens a door.
  sites.sort((a, b) => a.near - b.near);
  return sites.slice(0, MOST_DOORS).map(({ offset }) => ({ offset }));
}

/** Directly a method of this class; where only `this` leads to it, on the same side (instance or static). */
function isMethodOf(
  classNode: Node,
  parents: readonly Node[],
  isStatic: boolean,
  needsThis: boolean,
): boolean {
  if (!parents.includes(classNode)) return false;
  if (!needsThis) return true;
  const definition = parents.at(-1);
  return (
    definition?.type === 'MethodDefinition' && definition.static === isStatic && parents.at(-3) === classNode
  );
}

function isConstructor(node: Node | undefined): boolean {
  return node?.type === 'MethodDefinition' && node.kind === 'constructor';
}

function shadows(parsed: Parsed, node: FunctionNode, names: ReadonlySet<string>): boolean {
  for (let scope = scopeOf(parsed, node); scope && scope !== parsed.moduleScope; scope = scope.upper) {
    // A class names itself inside its body; that is the same class.
    if (scope.type === 'class') continue;
    for (const { name } of scope.variables) if (names.has(name)) return true;
  }
  return false;
}

function isStrict(parsed: Parsed, node: Node): boolean {
  return scopeOf(parsed, node)?.isStrict ?? parsed.isModule;
}

function distance(a: Node, b: Node): number {
  return a.start === b.start ? -1 : Math.abs(a.start - b.start);
}

/** What makes the new function: see Replacement.expression in agent/protocol.ts. */
function expressionOf(unit: FunctionUnit, text: string, parsed: Parsed): string {
  const { place, node } = unit;
  if (place.kind === 'method') {
    // In a literal so that `super` works, in a strict function because class bodies are.
    return `((hotpatch$home) => { "use strict"; return { __proto__: hotpatch$home, ${text} }; })`;
  }
  const key = JSON.stringify(
    place.kind === 'binding' ? place.name : place.kind === 'closure' ? unit.name : place.key,
  );
  const isMethod = unit.range.start !== node.start;
  const member = isMethod ? text : `${key}: ${anonymous(node, text)}`;
  const directive = isStrict(parsed, node) ? '"use strict"; ' : '';
  return `((hotpatch$home) => { ${directive}return { __proto__: hotpatch$home, ${member} }; })`;
}

/**
 * A declaration without its name: as an expression it would bind the name to itself inside, so that a later patch
 * would not be seen by its recursion. The property key gives the function its name.
 */
function anonymous(node: FunctionNode, text: string): string {
  if (node.type !== 'FunctionDeclaration') return text;
  return text.replace(
    /^(async\s+)?function(\s*\*)?\s*[^\s(]+\s*\(/,
    (_, async: string = '', star: string = '') => `${async}function${star} (`,
  );
}

function exportNames(parsed: Parsed, variable: Variable): readonly string[] {
  const names = new Set(useOfBinding(parsed, variable).exported);
  for (const statement of parsed.ast.body) {
    if (statement.type === 'ExportDefaultDeclaration') {
      const declared = statement.declaration;
      if (declared.type === 'FunctionDeclaration' && declared.id?.name === variable.name)
        names.add('default');
    }
    if (statement.type !== 'ExportNamedDeclaration') continue;
    if (
      statement.declaration?.type === 'FunctionDeclaration' &&
      statement.declaration.id.name === variable.name
    ) {
      names.add(variable.name);
    }
    for (const { local, exported } of statement.specifiers) {
      if (local.type === 'Identifier' && local.name === variable.name && exported.type === 'Identifier') {
        names.add(exported.name);
      }
    }
  }
  // esbuild's and swc's export getters name the key beside the arrow; the function's own name is the usual one.
  if (/__export|Object\.defineProperty\(exports/.test(parsed.text)) names.add(variable.name);
  return [...names];
}

function isExported(parsed: Parsed, variable: Variable): boolean {
  return exportNames(parsed, variable).length > 0;
}
