import type { Variable } from 'eslint-scope';
import { CODES, type Binding, type Mention } from '../../agent/protocol.ts';
import { usesLexicalThis } from './captures.ts';
import type { Reading, Refusal } from './changes.ts';
import type { FunctionUnit, Place } from './functions.ts';
import type { Node } from './parse.ts';
import { referencesTo } from './references.ts';

/** What a new binding writes to. */
export interface Target {
  readonly binding: Binding;
  /** Only `this` of a call inside this class leads to it. */
  readonly through: { readonly classNode: Node; readonly side: 'instance' | 'static' } | null;
  /** Names that the holder expression or the assignment needs. */
  readonly names: readonly string[];
}

/** Where a function at the top level of its script is held, or why a new binding would not reach everybody. */
export function bindingTarget(
  reading: Reading,
  unit: FunctionUnit,
  captured: ReadonlySet<string>,
  mentions: readonly Mention[],
): Target | Refusal {
  const { place } = unit;
  if (unit.node.type === 'ArrowFunctionExpression' && usesLexicalThis(unit.node))
    return unsupported(unit, 'an arrow function that uses this');
  switch (place.kind) {
    case 'closure':
      return alive(unit);
    case 'binding':
      return declared(reading, unit, place, captured, mentions);
    case 'method':
      return method(reading, unit, place, captured, mentions);
    case 'export': {
      const { exported, taken } = references(reading, unit, mentions);
      if (taken) return taken;
      return {
        binding: { kind: 'declaration', name: place.key, reachable: false, exported },
        through: null,
        names: [],
      };
    }
    case 'property':
      return property(reading, unit, place, captured, mentions);
  }
}

function declared(
  reading: Reading,
  unit: FunctionUnit,
  place: Extract<Place, { kind: 'binding' }>,
  captured: ReadonlySet<string>,
  mentions: readonly Mention[],
): Target | Refusal {
  const { parsed } = reading.running;
  const { name } = place;
  const variable = parsed.moduleScope.set.get(name);
  // A function in a block, or in one that is called at once, may have the name of another one.
  if (!variable || !defines(variable, unit.node)) return alive(unit);
  if (!place.assignable) return unsupported(unit, 'a const cannot be bound anew');
  const writes = variable.references.filter((reference) => reference.isWrite());
  const own =
    variable.defs.length === 1 && writes.every(({ writeExpr }) => writeExpr === (unit.node as never));
  if (!own) return unsupported(unit, 'the program assigns it anew');

  const { exported, taken } = references(reading, unit, mentions);
  if (taken) return taken;
  const reachable = captured.has(name);
  // The agent finds CommonJS exports by the object they hold.
  if (!reachable && (parsed.isModule || exported.length === 0)) return unreachable(unit, name);
  return {
    binding: { kind: 'declaration', name, reachable, exported },
    through: null,
    names: reachable ? [name] : [],
  };
}

function method(
  reading: Reading,
  unit: FunctionUnit,
  place: Extract<Place, { kind: 'method' }>,
  captured: ReadonlySet<string>,
  mentions: readonly Mention[],
): Target | Refusal {
  const { className, key, part, isStatic, classNode } = place;
  if (place.isConstructor) return unsupported(unit, 'a constructor cannot be bound anew');
  if (place.isPrivate) return unsupported(unit, 'a private method cannot be bound anew');
  if (key === null) return unsupported(unit, 'its name is computed');
  const { taken } = references(reading, unit, mentions);
  if (taken) return taken;
  const variable = className === null ? undefined : reading.running.parsed.moduleScope.set.get(className);
  if (className !== null && variable && captured.has(className) && defines(variable, classNode)) {
    const holders = [isStatic ? className : `${className}.prototype`];
    return { binding: { kind: 'property', holders, key, part }, through: null, names: [className] };
  }
  const side = isStatic ? 'static' : 'instance';
  const binding: Binding = { kind: 'property', holders: [ownerFromThis(place)], key, part };
  return { binding, through: { classNode, side }, names: [] };
}

/**
 * From `this`, which may be of a class that extends this one and has a method of the same name: up its prototypes to
 * the one that has this class's name and everything it declares.
 */
function ownerFromThis({ className, classNode, isStatic }: Extract<Place, { kind: 'method' }>): string {
  const body =
    classNode.type === 'ClassDeclaration' || classNode.type === 'ClassExpression' ? classNode.body.body : [];
  const keys = body.flatMap((member) => {
    if (member.type !== 'MethodDefinition' || member.static !== isStatic || member.computed) return [];
    const { key } = member;
    return key.type === 'Identifier' ? [key.name] : key.type === 'Literal' ? [String(key.value)] : [];
  });
  const inner = classNode.type === 'ClassExpression' ? classNode.id?.name : undefined;
  const called = inner ?? (className === 'default' ? null : className);
  const named = called === null ? '' : ` && of(o).name === ${JSON.stringify(called)}`;
  const of = isStatic ? 'o' : 'o.constructor';
  const own = isStatic ? 'prototype' : 'constructor';
  return (
    `((o, of) => { while (o && !(Object.hasOwn(o, "${own}")${named} && ` +
    `${JSON.stringify([...new Set(keys)])}.every((k) => Object.hasOwn(o, k)))) o = Object.getPrototypeOf(o); ` +
    `return o; })(this, (o) => ${of})`
  );
}

function property(
  reading: Reading,
  unit: FunctionUnit,
  place: Extract<Place, { kind: 'property' }>,
  captured: ReadonlySet<string>,
  mentions: readonly Mention[],
): Target | Refusal {
  const { holder, key, part } = place;
  const root = holder?.split('.')[0];
  if (!holder || !root || root === 'this') return unsupported(unit, 'nothing names the object it is in');
  const isWrapper = !reading.running.parsed.isModule && (root === 'exports' || root === 'module');
  if (!isWrapper && !reading.running.parsed.moduleScope.set.has(root)) return alive(unit);
  const { taken } = references(reading, unit, mentions);
  if (taken) return taken;
  if (!captured.has(root)) return unreachable(unit, root);
  return { binding: { kind: 'property', holders: [holder], key, part }, through: null, names: [root] };
}

/** Is this the function or class that the variable was made with? */
function defines(variable: Variable, node: Node): boolean {
  return variable.defs.some((def) => {
    const made = def.node as { init?: unknown };
    return (
      made === node ||
      made.init === node ||
      variable.references.some(({ writeExpr }) => writeExpr === (node as never))
    );
  });
}

function references(reading: Reading, unit: FunctionUnit, mentions: readonly Mention[]) {
  const { parsed } = reading.running;
  const { taken, exported } = referencesTo({ parsed, url: reading.texts.running.url }, unit, mentions);
  const keys = Object.keys(exported).filter((key) => exported[key] === 'function');
  if (!taken) return { taken: null, exported: keys };
  const where = `${taken.url.replace(/^file:\/\//, '')}:${taken.line}`;
  const refusal: Refusal = { code: CODES.referenceTaken, data: { function: unit.name, where } };
  return { taken: refusal, exported: keys };
}

function unsupported(unit: FunctionUnit, reason: string): Refusal {
  return { code: CODES.unsupportedFunction, data: { function: unit.name, reason } };
}

function alive(unit: FunctionUnit): Refusal {
  return { code: CODES.closureAlive, data: { function: unit.name, closureLine: unit.node.loc.start.line } };
}

function unreachable(unit: FunctionUnit, name: string): Refusal {
  return { code: CODES.nameUnreachable, data: { function: unit.name, name } };
}
