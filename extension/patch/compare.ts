import type * as ESTree from 'estree';
import type { FunctionUnit } from './functions.ts';
import { uncommaed, type Node, type Parsed } from './parse.ts';

/**
 * What the compiled text calls a thing, and what the running script calls it: `readFile` and `fs_1.readFile`. Learned
 * by laying unchanged functions of both texts side by side, so that no compiler has to be known.
 */
export class NameMap {
  readonly #learned = new Map<string, string>();

  get(name: string): string | undefined {
    return this.#learned.get(name);
  }

  get names(): ReadonlyMap<string, string> {
    return this.#learned;
  }

  /** Adds what one function taught, unless it contradicts what is known. */
  merge(taught: ReadonlyMap<string, string>): void {
    for (const [name, text] of taught) this.#learned.set(name, text);
  }

  /** Adds what is likely, where nothing is known. */
  suppose(likely: ReadonlyMap<string, string>): void {
    for (const [name, text] of likely) {
      if (name !== text && !this.#learned.has(name)) this.#learned.set(name, text);
    }
  }
}

/**
 * What imports of the compiled text are called where they became `require`: for imports that no unchanged function uses.
 * `import { f } from './m'` is `m_1.f` where the running script has `const m_1 = require('./m')`, helpers around it or not.
 */
export function importedNames(compiled: Parsed, running: Parsed): ReadonlyMap<string, string> {
  const required = new Map<string, string[]>();
  for (const statement of running.ast.body) {
    if (statement.type !== 'VariableDeclaration') continue;
    for (const { id, init } of statement.declarations) {
      const specifier = id.type === 'Identifier' ? requiredBy(init ?? null) : null;
      if (specifier === null) continue;
      required.set(specifier, [...(required.get(specifier) ?? []), (id as ESTree.Identifier).name]);
    }
  }
  const imports = compiled.ast.body.filter((statement) => statement.type === 'ImportDeclaration');
  const all = imports.flatMap(({ specifiers }) => specifiers);
  const namespaces = new Set(
    all.filter(({ type }) => type === 'ImportNamespaceSpecifier').map(({ local }) => local.name),
  );
  const found = new Map<string, string>();
  for (const { source, specifiers } of imports) {
    const objects = required.get(String(source.value)) ?? [];
    for (const specifier of specifiers) {
      const { name } = specifier.local;
      const isNamespace = specifier.type === 'ImportNamespaceSpecifier';
      // A namespace keeps its name; required twice otherwise, which of the two is meant is not known.
      const fitting = objects.filter((object) => (isNamespace ? object === name : !namespaces.has(object)));
      const [object] = fitting.length > 0 ? fitting : objects;
      if (object === undefined || fitting.length > 1) continue;
      if (isNamespace) found.set(name, object);
      else if (specifier.type === 'ImportDefaultSpecifier') found.set(name, `${object}.default`);
      else if (specifier.imported.type === 'Identifier')
        found.set(name, `${object}.${specifier.imported.name}`);
    }
  }
  return found;
}

/**
 * What exported variables of the compiled text are called where CommonJS keeps them in `exports` alone, as tsc does:
 * `export const LIMIT = 1` is `exports.LIMIT`, and the script has no variable of that name.
 */
export function exportedNames(compiled: Parsed, running: Parsed): ReadonlyMap<string, string> {
  const kept = new Set<string>();
  const step = (node: ESTree.Node) => {
    if (node.type !== 'AssignmentExpression') return;
    const { left, right } = node;
    if (
      left.type === 'MemberExpression' &&
      left.object.type === 'Identifier' &&
      left.object.name === 'exports'
    ) {
      if (!left.computed && left.property.type === 'Identifier') kept.add(left.property.name);
    }
    step(right);
  };
  for (const statement of running.ast.body)
    if (statement.type === 'ExpressionStatement') step(statement.expression);
  const found = new Map<string, string>();
  for (const { name } of compiled.moduleScope.variables) {
    if (kept.has(name) && !running.moduleScope.set.has(name)) found.set(name, `exports.${name}`);
  }
  return found;
}

/** `require('./m')`, or a helper around it. */
function requiredBy(node: ESTree.Expression | null): string | null {
  if (node?.type !== 'CallExpression' || node.callee.type !== 'Identifier') return null;
  const [first] = node.arguments;
  if (node.callee.name !== 'require') {
    const isHelper = /^_*(?:importStar|importDefault|toESM|interopRequire\w+)$/.test(node.callee.name);
    return isHelper && first && first.type !== 'SpreadElement' ? requiredBy(first) : null;
  }
  return first?.type === 'Literal' ? String(first.value) : null;
}

/** One side of a comparison: a script and which of its nodes are functions of their own. */
export interface Side {
  readonly parsed: Parsed;
  readonly units: ReadonlyMap<ESTree.Node, FunctionUnit>;
}

export function sideOf(parsed: Parsed, units: readonly FunctionUnit[]): Side {
  return { parsed, units: new Map(units.map((unit) => [unit.node, unit])) };
}

/**
 * Are two functions (or programs) the same but for layout, comments and quotes? Functions of their own inside them
 * count by name only. With `names`, names of the module may differ between the sides; what had to be assumed for that
 * is returned. Null: they differ.
 */
export function compare(
  a: Side,
  nodeA: Node,
  b: Side,
  nodeB: Node,
  names: NameMap | null,
): Map<string, string> | null {
  const taught = new Map<string, string>();
  const comparison = new Comparison(a, b, names, taught);
  return comparison.same(nodeA, nodeB, 'top') ? taught : null;
}

/** The first statement of program `b` outside all functions that differs from `a`'s; null if none does. */
export function differingStatement(a: Side, b: Side): Node | null {
  const plain = (side: Side) =>
    side.parsed.ast.body.filter((statement) => statement.type !== 'FunctionDeclaration') as Node[];
  const [before, after] = [plain(a), plain(b)];
  for (let at = 0; at < Math.max(before.length, after.length); at++) {
    const [x, y] = [before[at], after[at]];
    if (!x || !y) return y ?? (after.at(-1) as Node | undefined) ?? b.parsed.ast;
    if (!compare(a, x, b, y, null)) return y;
  }
  return null;
}

const IGNORED = new Set(['type', 'start', 'end', 'loc', 'range', 'raw', 'sourceType', 'shorthand']);

class Comparison {
  readonly #a: Side;
  readonly #b: Side;
  readonly #names: NameMap | null;
  readonly #taught: Map<string, string>;

  constructor(a: Side, b: Side, names: NameMap | null, taught: Map<string, string>) {
    this.#a = a;
    this.#b = b;
    this.#names = names;
    this.#taught = taught;
  }

  same(x: unknown, y: unknown, at: 'top' | 'below'): boolean {
    if (Array.isArray(x)) {
      return (
        Array.isArray(y) && x.length === y.length && x.every((item, i) => this.same(item, y[i], 'below'))
      );
    }
    if (typeof x !== 'object' || x === null) return typeof x === 'bigint' ? x === y : Object.is(x, y);
    if (typeof y !== 'object' || y === null) return false;
    if (x instanceof RegExp) return y instanceof RegExp && String(x) === String(y);
    if (at === 'below') {
      const [unitX, unitY] = [this.#a.units.get(x as Node), this.#b.units.get(y as Node)];
      if (unitX || unitY) return unitX?.name === unitY?.name;
    }
    const [nodeX, nodeY] = [x as Node, y as Node];
    if (this.#renamed(nodeX, nodeY)) return true;
    if (nodeX.type !== nodeY.type) return false;
    for (const key of new Set([...Object.keys(x), ...Object.keys(y)])) {
      if (IGNORED.has(key)) continue;
      const [left, right] = [(x as Record<string, unknown>)[key], (y as Record<string, unknown>)[key]];
      // acorn leaves out what is not there, or says null.
      if (!this.same(left ?? null, right ?? null, 'below')) return false;
    }
    return true;
  }

  /** `helper` on one side, `util_1.helper` or `(0, util_1.helper)` on the other. */
  #renamed(x: Node, y: Node): boolean {
    if (!this.#names || x.type !== 'Identifier') return false;
    const variable = this.#a.parsed.variableOf.get(x);
    if (variable?.scope !== this.#a.parsed.moduleScope) return false;
    const target = uncommaed(y);
    if (target.type !== 'MemberExpression' && target.type !== 'Identifier') return false;
    const text = this.#b.parsed.text.slice(target.start, target.end);
    if (text === x.name && !this.#taught.has(x.name)) return false;
    const known = this.#names.get(x.name) ?? this.#taught.get(x.name);
    if (known !== undefined) return known === text;
    if (
      target.type === 'Identifier' &&
      this.#b.parsed.variableOf.get(target)?.scope !== this.#b.parsed.moduleScope
    ) {
      return false;
    }
    this.#taught.set(x.name, text);
    return true;
  }
}
