import type { Variable } from 'eslint-scope';
import type * as ESTree from 'estree';
import { isTransientArgument, memberText } from './functions.ts';
import { parentOf, type Node, type Parsed } from './parse.ts';

/**
 * What an expression gives: the function, a copy of it that nobody can replace (a named import of a CommonJS module),
 * or an object with the keys that lead there.
 */
export type Value = 'function' | 'copy' | ValueObject;
export interface ValueObject {
  readonly [key: string]: Value;
}

/** What a script does with a function that it got hold of. */
export interface Followed {
  /** 1-based lines where it is kept other than by the name or property it is read from at each call. */
  readonly taken: readonly number[];
  /** Under which names the script's own exports lead to it. */
  readonly exported: Readonly<Record<string, Value>>;
}

/** From where to follow: every use of a variable, or one expression. */
export type Start =
  { readonly variable: Variable; readonly value: Value } | { readonly node: Node; readonly value: Value };

/**
 * Follows values through one script: reads and calls leave the program looking the function up again each time, which
 * a new binding is enough for; whatever else is done with it may keep the old one, and counts as taken.
 */
export function follow(parsed: Parsed, starts: readonly Start[]): Followed {
  const follower = new Follower(parsed);
  for (const start of starts) {
    if ('variable' in start) follower.variable(start.variable, start.value);
    else follower.node(start.node, start.value);
  }
  return { taken: [...new Set(follower.taken)], exported: follower.exported };
}

/** The key of a member access or property: a name, or a literal; null where it is computed. */
export function keyOf(
  node: ESTree.MemberExpression | ESTree.Property | ESTree.AssignmentProperty,
): string | null {
  const key = node.type === 'MemberExpression' ? node.property : node.key;
  if (key.type === 'Literal') return String(key.value);
  return key.type === 'Identifier' && !node.computed ? key.name : null;
}

/** Functions that compilers emit: they give back what they get, or an object that reads from it at each use. */
const INTEROP = /^_*(?:importStar|importDefault|toESM|interopRequireDefault)$/;
/** Functions that compilers emit to fill `exports`. */
const EXPORTING = /^_*(?:export|exportStar|reExport|copyProps|createBinding|setModuleDefault)$/;
/** Calls that take an object and keep nothing of it. `create` links to it: what is read there is looked up each time. */
const HARMLESS = new Set(
  'keys freeze seal preventExtensions defineProperty defineProperties create setPrototypeOf getPrototypeOf hasOwn'
    .split(' ')
    .map((name) => `Object.${name}`),
);

class Follower {
  readonly taken: number[] = [];
  readonly exported: Record<string, Value> = Object.create(null) as Record<string, Value>;
  readonly #parsed: Parsed;
  readonly #seen = new Map<Variable, Value>();

  constructor(parsed: Parsed) {
    this.#parsed = parsed;
  }

  variable(variable: Variable, value: Value): void {
    if (this.#seen.has(variable)) return;
    this.#seen.set(variable, value);
    for (const reference of variable.references) {
      if (reference.isRead()) this.node(reference.identifier as Node, value);
    }
  }

  node(node: Node, value: Value): void {
    const above = parentOf(this.#parsed, node);
    if (!above) return;
    const take = () => void this.taken.push(node.loc.start.line);
    if (value === 'copy') return take();
    switch (above.type) {
      case 'ExpressionStatement':
      case 'FunctionDeclaration':
      case 'ClassDeclaration':
      case 'UnaryExpression':
      case 'TaggedTemplateExpression':
      case 'ForInStatement':
        return;
      case 'IfStatement':
      case 'WhileStatement':
      case 'DoWhileStatement':
      case 'ForStatement':
        return;
      case 'AwaitExpression':
      case 'ChainExpression':
        return this.node(above, value);
      case 'SequenceExpression':
        return above.expressions.at(-1) === node ? this.node(above, value) : undefined;
      case 'ConditionalExpression':
        return above.test === node ? undefined : this.node(above, value);
      case 'LogicalExpression':
        return above.left === node && above.operator === '&&' ? undefined : this.node(above, value);
      case 'BinaryExpression':
        return value === 'function' && above.operator !== '+' ? take() : undefined;
      case 'MemberExpression':
        return above.object === node ? this.#member(above, value) : take();
      case 'CallExpression':
        return this.#call(above, node, value);
      case 'NewExpression':
        return above.callee === node && value !== 'function' ? undefined : take();
      case 'AssignmentExpression':
        return above.right === node ? this.#assigned(above, value) : undefined;
      case 'VariableDeclarator':
        return this.#pattern(above.id, value);
      case 'Property':
        return this.#property(above, value);
      case 'SpreadElement':
        return this.#spread(above, value);
      case 'ExportSpecifier':
        return this.#export(nameOf(above.exported), value);
      case 'ExportDefaultDeclaration':
        return value === 'function' ? take() : this.#export('default', value);
      case 'ArrowFunctionExpression':
      case 'ReturnStatement': {
        const key = getterKey(this.#parsed, above);
        return key === null ? take() : this.#export(key, value);
      }
      default:
        return take();
    }
  }

  #member(member: ESTree.MemberExpression & Node, value: Value): void {
    const key = keyOf(member);
    if (value === 'function') {
      const above = parentOf(this.#parsed, member);
      const isCall = above?.type === 'CallExpression' && above.callee === member;
      const isFact = key === 'name' || key === 'length';
      if (!isFact && !(isCall && (key === 'call' || key === 'apply'))) this.taken.push(member.loc.start.line);
      return;
    }
    if (value === 'copy') return;
    if (key !== null) {
      const next = own(value, key);
      if (next !== undefined) this.node(member, next);
      return;
    }
    // `table[key](…)` looks it up at each call.
    const above = parentOf(this.#parsed, member);
    const isWrite = above?.type === 'AssignmentExpression' && above.left === member;
    const isCall = above?.type === 'CallExpression' && above.callee === member;
    if (!isWrite && !isCall) this.taken.push(member.loc.start.line);
  }

  #call(call: ESTree.SimpleCallExpression & Node, node: Node, value: Value): void {
    if (call.callee === node) return;
    const callee = memberText(call.callee as Node) ?? '';
    if (value === 'function') {
      if (!isTransientArgument(call, node)) this.taken.push(node.loc.start.line);
      return;
    }
    if (value === 'copy' || HARMLESS.has(callee)) return;
    const isExports = exportsText(node) !== null;
    if (EXPORTING.test(callee) && isExports) return;
    const fills = EXPORTING.test(callee) || callee === 'Object.assign';
    if (fills && call.arguments.some((other) => other !== node && exportsText(other as Node) !== null)) {
      return this.#exportAll(value);
    }
    if (callee === 'Object.assign' && call.arguments[0] === node) return;
    if (INTEROP.test(callee)) return this.node(call, value);
    // `decorate(A.prototype, 'm')` says what it takes.
    const named = call.arguments.filter(
      (other) => other.type === 'Literal' && typeof other.value === 'string',
    );
    const isOther =
      named.length > 0 &&
      named.every((other) => own(value, String((other as ESTree.SimpleLiteral).value)) === undefined);
    if (!isOther) this.taken.push(node.loc.start.line);
  }

  #assigned(assignment: ESTree.AssignmentExpression & Node, value: Value): void {
    const { left } = assignment;
    const line = assignment.loc.start.line;
    // `const f = exports.f = …`: what is assigned is the assignment's value as well.
    this.node(assignment, value);
    if (assignment.operator !== '=') return void this.taken.push(line);
    const text = exportsText(left as Node);
    if (text === '') {
      if (value === 'function') this.taken.push(line);
      else this.#exportAll(value);
    } else if (text !== null) this.#export(text, value);
    else if (left.type === 'Identifier' || left.type === 'ObjectPattern') this.#pattern(left, value);
    else this.taken.push(line);
  }

  #pattern(target: ESTree.Pattern, value: Value): void {
    const line = (target as Node).loc.start.line;
    if (target.type === 'AssignmentPattern') return this.#pattern(target.left, value);
    if (typeof value === 'string') return void this.taken.push(line);
    if (target.type === 'Identifier') {
      const variable = this.#variableAt(target);
      if (variable) this.variable(variable, value);
      else this.taken.push(line);
      return;
    }
    if (target.type !== 'ObjectPattern') return void this.taken.push(line);
    for (const property of target.properties) {
      const key = property.type === 'Property' ? keyOf(property) : null;
      if (property.type === 'RestElement' || key === null) this.taken.push((property as Node).loc.start.line);
      else {
        const next = own(value, key);
        if (next !== undefined) this.#pattern(property.value, next);
      }
    }
  }

  /** A declared name is no reference where it has no initializer of its own; its scope knows it anyway. */
  #variableAt(name: ESTree.Identifier): Variable | null {
    const known = this.#parsed.variableOf.get(name);
    if (known) return known;
    for (const scope of this.#parsed.scopes.scopes) {
      const variable = scope.variables.find(({ identifiers }) =>
        identifiers.some((each) => each === (name as never)),
      );
      if (variable) return variable;
    }
    return null;
  }

  #property(property: ESTree.Property & Node, value: Value): void {
    const object = parentOf(this.#parsed, property);
    const key = keyOf(property);
    const line = property.loc.start.line;
    if (object?.type !== 'ObjectExpression' || key === null) return void this.taken.push(line);
    const above = parentOf(this.#parsed, object);
    const text = above?.type === 'AssignmentExpression' ? exportsText(above.left as Node) : null;
    if (text === '') this.#export(key, value);
    else if (value === 'function') this.taken.push(line);
    else this.node(object, { [key]: value });
  }

  /** `module.exports = { ...require('./a') }`: the agent finds and replaces copies among exports. */
  #spread(spread: ESTree.SpreadElement & Node, value: Value): void {
    const object = parentOf(this.#parsed, spread);
    const above = object?.type === 'ObjectExpression' ? parentOf(this.#parsed, object) : null;
    const isExports = above?.type === 'AssignmentExpression' && exportsText(above.left as Node) === '';
    if (isExports && typeof value === 'object') this.#exportAll(value);
    else this.taken.push(spread.loc.start.line);
  }

  #export(name: string, value: Value): void {
    this.exported[name] = value;
  }

  #exportAll(value: Value): void {
    if (typeof value === 'object') for (const [key, each] of Object.entries(value)) this.#export(key, each);
  }
}

function own(value: ValueObject, key: string): Value | undefined {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

export function nameOf(node: ESTree.Identifier | ESTree.Literal): string {
  return node.type === 'Identifier' ? node.name : String(node.value);
}

/** `exports.f` gives `f`, `module.exports` gives the empty text, anything else null. */
export function exportsText(node: Node): string | null {
  if (isExports(node)) return '';
  if (node.type !== 'MemberExpression' || !isExports(node.object as Node)) return null;
  return keyOf(node);
}

function isExports(node: Node): boolean {
  const text = memberText(node);
  return text === 'exports' || text === 'module.exports';
}

/**
 * The export that a getter gives: `__export(x, { f: () => f })`, `Object.defineProperty(exports, 'f', { get … })`. It
 * reads the binding each time.
 */
function getterKey(parsed: Parsed, node: Node): string | null {
  let at: Node | null = node;
  let property: (ESTree.Property & Node) | null = null;
  for (let steps = 0; at && steps < 6; steps++, at = parentOf(parsed, at)) {
    if (at.type === 'Property') property = at;
    if (at.type !== 'CallExpression') continue;
    const callee = memberText(at.callee as Node) ?? '';
    if (callee === 'Object.defineProperty') {
      const [, key] = at.arguments;
      return key?.type === 'Literal' ? String(key.value) : null;
    }
    return /^_*export/i.test(callee) && property ? keyOf(property) : null;
  }
  return null;
}
