import type * as ESTree from 'estree';
import type { Range } from '../../agent/protocol.ts';
import { children, isFunction, uncommaed, type FunctionNode, type Node, type Parsed } from './parse.ts';

/** How the program holds a function, which decides how it can be replaced. */
export type Place =
  /** A function declaration, or a variable that was given the function where it is declared. */
  | { readonly kind: 'binding'; readonly name: string; readonly assignable: boolean }
  /** A class method, accessor or constructor. `className` is null for an unnamed class. */
  | {
      readonly kind: 'method';
      readonly className: string | null;
      readonly key: string | null;
      readonly isPrivate: boolean;
      readonly isStatic: boolean;
      readonly isConstructor: boolean;
      readonly part: 'value' | 'get' | 'set';
      readonly classNode: Node;
    }
  /** A property of an object: `holder` is the expression that names the object, null if nothing does. */
  | {
      readonly kind: 'property';
      readonly holder: string | null;
      readonly key: string;
      readonly part: 'value' | 'get' | 'set';
    }
  /** `exports.f = …`, `module.exports = { f() {} }`: held by the module's exports alone. */
  | { readonly kind: 'export'; readonly key: string }
  /** An argument, a returned closure, a default export: nothing names it. */
  | { readonly kind: 'closure' };

/** A function that can be replaced by itself. Transient callbacks (`xs.map(x => …)`) belong to the one around them. */
export interface FunctionUnit {
  /** The user's name: `f`, `Class.method`, `Class.#method`, `outer.inner`, `app.get('/items')`. */
  readonly name: string;
  readonly node: FunctionNode;
  /** What `Function.prototype.toString` gives (ECMA-262), as offsets. */
  readonly range: Range;
  readonly place: Place;
  /** The unit it is written in; null at the top level of the script. */
  readonly parent: FunctionUnit | null;
}

/** Calls whose callback is gone when they return, so that nobody can still hold it. */
const TRANSIENT_METHODS = new Set(
  (
    'map filter reduce reduceRight forEach some every find findIndex findLast findLastIndex flatMap sort toSorted ' +
    'then catch finally replace replaceAll from'
  ).split(' '),
);

/**
 * All functions of a script in source order, outer before inner. `written` gives the user's names for what a compiler
 * made of their imports (`app_1.default` is `app`), so that labels are the same on both sides.
 */
export function functionsOf(
  parsed: Parsed,
  written: ReadonlyMap<string, string> = new Map(),
): readonly FunctionUnit[] {
  return new Collector(parsed, written).collect();
}

/** A callback that cannot outlive the call it is given to, or is called on the spot. */
export function isTransientArgument(call: Node, argument: Node): boolean {
  if (call.type !== 'CallExpression' && call.type !== 'NewExpression') return false;
  if (call.callee === argument) return true;
  const { callee } = call;
  if (call.type === 'NewExpression') return callee.type === 'Identifier' && callee.name === 'Promise';
  return (
    callee.type === 'MemberExpression' &&
    callee.property.type === 'Identifier' &&
    TRANSIENT_METHODS.has(callee.property.name)
  );
}

class Collector {
  readonly #parsed: Parsed;
  readonly #written: ReadonlyMap<string, string>;
  readonly #units: FunctionUnit[] = [];
  readonly #taken = new Map<string, number>();

  constructor(parsed: Parsed, written: ReadonlyMap<string, string>) {
    this.#parsed = parsed;
    this.#written = written;
  }

  collect(): readonly FunctionUnit[] {
    this.#visit(this.#parsed.ast, [], null);
    return this.#units;
  }

  #visit(node: Node, parents: readonly Node[], parent: FunctionUnit | null): void {
    let inside = parent;
    if (isFunction(node)) {
      const above = parents.at(-1);
      const transient = above !== undefined && (isTransientArgument(above, node) || isExportGetter(parents));
      if (!transient) inside = this.#add(node, parents, parent);
    }
    const below = [...parents, node];
    for (const child of children(node)) this.#visit(child, below, inside);
  }

  #add(node: FunctionNode, parents: readonly Node[], parent: FunctionUnit | null): FunctionUnit {
    const { label, place, from } = this.#describe(node, parents);
    const full = parent ? `${parent.name}.${label}` : label;
    const count = (this.#taken.get(full) ?? 0) + 1;
    this.#taken.set(full, count);
    const name = count === 1 ? full : `${full}#${count}`;
    const unit: FunctionUnit = { name, node, range: { start: from, end: node.end }, place, parent };
    this.#units.push(unit);
    return unit;
  }

  #describe(node: FunctionNode, parents: readonly Node[]): { label: string; place: Place; from: number } {
    const above = parents.at(-1);
    const from = node.start;
    if (node.type === 'FunctionDeclaration') {
      const name = (node.id as ESTree.Identifier | null)?.name;
      if (!name) return { label: 'default', place: { kind: 'closure' }, from };
      return { label: name, place: { kind: 'binding', name, assignable: true }, from };
    }
    switch (above?.type) {
      case 'VariableDeclarator': {
        if (above.id.type !== 'Identifier') break;
        const declaration = parents.at(-2) as ESTree.VariableDeclaration | undefined;
        const { name } = above.id;
        return {
          label: name,
          place: { kind: 'binding', name, assignable: declaration?.kind !== 'const' },
          from,
        };
      }
      case 'MethodDefinition':
        return this.#method(above, node, parents);
      case 'PropertyDefinition': {
        const className = this.#classOf(parents);
        const key = keyOf(above) ?? '?';
        return { label: `${className ?? 'class'}.${key}`, place: { kind: 'closure' }, from };
      }
      case 'Property':
        return this.#property(above, node, parents);
      case 'AssignmentExpression':
        if (above.right === node) return this.#assigned(above, node, parents);
        break;
      case 'ExportDefaultDeclaration':
        return { label: 'default', place: { kind: 'closure' }, from };
      case 'CallExpression':
      case 'NewExpression':
        return { label: this.#callLabel(above), place: { kind: 'closure' }, from };
    }
    const own = node.type === 'FunctionExpression' ? node.id?.name : undefined;
    return { label: own ?? '(closure)', place: { kind: 'closure' }, from };
  }

  #method(
    definition: ESTree.MethodDefinition,
    node: FunctionNode,
    parents: readonly Node[],
  ): { label: string; place: Place; from: number } {
    const className = this.#classOf(parents);
    const key = keyOf(definition);
    const isPrivate = definition.key.type === 'PrivateIdentifier';
    const part = definition.kind === 'get' || definition.kind === 'set' ? definition.kind : 'value';
    const shown = `${isPrivate ? '#' : ''}${key ?? '[computed]'}`;
    const label = `${className ?? 'class'}.${shown}`;
    const classNode = parents.findLast(isClass) as Node;
    const place: Place = {
      kind: 'method',
      className,
      key,
      isPrivate,
      isStatic: definition.static,
      isConstructor: definition.kind === 'constructor',
      part,
      classNode,
    };
    return {
      label,
      place,
      from: headStart(this.#parsed.text, definition as unknown as Node, definition.static),
    };
  }

  #property(
    property: ESTree.Property,
    node: FunctionNode,
    parents: readonly Node[],
  ): { label: string; place: Place; from: number } {
    const key = keyOf(property) ?? '[computed]';
    const part = property.kind === 'get' || property.kind === 'set' ? property.kind : 'value';
    const from = property.method || part !== 'value' ? (property as unknown as Node).start : node.start;
    const object = parents.at(-2);
    const owner = parents.at(-3);
    const named = property.computed ? null : this.#objectName(object, owner);
    if (named === 'module.exports' && part === 'value')
      return { label: key, place: { kind: 'export', key }, from };
    const label = named && named !== 'module.exports' ? `${this.#asWritten(named)}.${key}` : key;
    return { label, place: { kind: 'property', holder: named, key, part }, from };
  }

  #objectName(object: Node | undefined, owner: Node | undefined): string | null {
    if (owner?.type === 'VariableDeclarator' && owner.id.type === 'Identifier') return owner.id.name;
    if (owner?.type !== 'AssignmentExpression' || owner.right !== object) return null;
    return memberText(owner.left as Node);
  }

  #assigned(
    assignment: ESTree.AssignmentExpression,
    node: FunctionNode,
    parents: readonly Node[],
  ): { label: string; place: Place; from: number } {
    const from = node.start;
    const target = assignment.left;
    // `const f = exports.f = function …`: more than one holds it.
    const isKept = !['ExpressionStatement', 'SequenceExpression'].includes(parents.at(-2)?.type ?? '');
    if (isKept || assignment.operator !== '=') {
      const label =
        memberText(target as Node)
          ?.split('.')
          .at(-1) ?? '(closure)';
      return { label, place: { kind: 'closure' }, from };
    }
    if (target.type === 'Identifier') {
      return { label: target.name, place: { kind: 'binding', name: target.name, assignable: true }, from };
    }
    const text = memberText(target as Node);
    if (target.type !== 'MemberExpression' || !text) {
      return { label: '(closure)', place: { kind: 'closure' }, from };
    }
    const key = text.slice(text.lastIndexOf('.') + 1);
    const holder = text.slice(0, text.lastIndexOf('.'));
    if (holder === 'exports' || holder === 'module.exports')
      return { label: key, place: { kind: 'export', key }, from };
    if (text === 'module.exports') return { label: 'exports', place: { kind: 'closure' }, from };
    const label = this.#asWritten(text).replace('.prototype.', '.');
    return { label, place: { kind: 'property', holder, key, part: 'value' }, from };
  }

  /** `app.get('/items')`, `setTimeout()`: stable while lines move, and what the user reads in the source. */
  #callLabel(call: ESTree.CallExpression | ESTree.NewExpression): string {
    const callee = memberText(uncommaed(call.callee as Node));
    const [first] = call.arguments;
    const literal = first?.type === 'Literal' && typeof first.value === 'string' ? first : null;
    // Compilers choose their own quotes; the label is to be the same.
    const shown = literal && String(literal.value).length <= 40 ? `'${String(literal.value)}'` : '';
    return `${callee === null ? '(call)' : this.#asWritten(callee)}(${shown})`;
  }

  #asWritten(text: string): string {
    const own = text.replace(/^(?:module\.)?exports\./, '');
    for (const [compiled, source] of this.#written) {
      if (own === compiled || own.startsWith(`${compiled}.`)) return source + own.slice(compiled.length);
    }
    return own;
  }

  #classOf(parents: readonly Node[]): string | null {
    const at = parents.findLastIndex(isClass);
    const node = parents[at] as (ESTree.ClassDeclaration | ESTree.ClassExpression) & Node;
    const above = parents[at - 1];
    if (above?.type === 'VariableDeclarator' && above.id.type === 'Identifier') return above.id.name;
    if (node.id) return node.id.name;
    if (above?.type === 'AssignmentExpression')
      return (
        memberText(above.left as Node)
          ?.split('.')
          .at(-1) ?? null
      );
    return above?.type === 'ExportDefaultDeclaration' ? 'default' : null;
  }
}

/**
 * A getter that a compiler made for an export, which has the export's name or `get`, and is no function of the user's:
 * `__export(x, { f: () => f })`, `Object.defineProperty(exports, 'f', { get: function () { return f; } })`.
 */
function isExportGetter(parents: readonly Node[]): boolean {
  const [property, object, call] = [parents.at(-1), parents.at(-2), parents.at(-3)];
  if (property?.type !== 'Property' || object?.type !== 'ObjectExpression' || call?.type !== 'CallExpression')
    return false;
  const callee = memberText(call.callee as Node) ?? '';
  const [target] = call.arguments;
  if (callee === 'Object.defineProperty')
    return target !== undefined && /^(?:module\.)?exports$/.test(memberText(target as Node) ?? '');
  return /^_*export$/.test(callee);
}

function isClass(node: Node): boolean {
  return node.type === 'ClassDeclaration' || node.type === 'ClassExpression';
}

/** `a.b.c` without computed parts, calls or whitespace; null for anything else. */
export function memberText(node: Node): string | null {
  if (node.type === 'Identifier') return node.name;
  if (node.type === 'ThisExpression') return 'this';
  if (node.type !== 'MemberExpression' || node.computed || node.property.type !== 'Identifier') return null;
  const object = memberText(node.object as Node);
  return object && `${object}.${node.property.name}`;
}

function keyOf(node: ESTree.MethodDefinition | ESTree.PropertyDefinition | ESTree.Property): string | null {
  const { key } = node;
  if (key.type === 'PrivateIdentifier') return key.name;
  if (key.type === 'Identifier' && !node.computed) return key.name;
  if (key.type === 'Literal') return String(key.value);
  return null;
}

/** A method's text begins after `static` (ECMA-262: the MethodDefinition, not the ClassElement). */
function headStart(text: string, definition: Node, isStatic: boolean): number {
  if (!isStatic) return definition.start;
  const match = /^static(?:\s|\/\*[\s\S]*?\*\/|\/\/[^\n]*\n)*/.exec(
    text.slice(definition.start, definition.end),
  );
  return definition.start + (match?.[0].length ?? 0);
}
