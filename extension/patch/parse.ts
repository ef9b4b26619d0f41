import { parse as parseWithAcorn } from 'acorn';
import { analyze, type Scope, type ScopeManager, type Variable } from 'eslint-scope';
import type * as ESTree from 'estree';

/** Any node of the tree with its place: 0-based offsets, 1-based lines, 0-based columns. */
export type Node = ESTree.Node & {
  readonly start: number;
  readonly end: number;
  readonly loc: ESTree.SourceLocation;
};

export type FunctionNode = Node &
  (ESTree.FunctionDeclaration | ESTree.FunctionExpression | ESTree.ArrowFunctionExpression);

/** A script with its tree and its scopes. */
export interface Parsed {
  readonly text: string;
  readonly ast: Node & ESTree.Program;
  readonly isModule: boolean;
  readonly scopes: ScopeManager;
  /** Which variable an identifier refers to; absent: a global, or no reference at all. */
  readonly variableOf: ReadonlyMap<ESTree.Node, Variable>;
  /** The scope whose variables are the module's own: imports and top-level declarations. */
  readonly moduleScope: Scope;
}

export type ParseResult =
  | { readonly ok: true; readonly parsed: Parsed }
  | { readonly ok: false; readonly line: number; readonly column: number; readonly message: string };

/** Parses JavaScript. Never throws: a syntax error is an answer (1-based line and column). */
export function parse(text: string, isModule: boolean): ParseResult {
  try {
    const ast = parseWithAcorn(text, {
      ecmaVersion: 'latest',
      sourceType: isModule ? 'module' : 'script',
      allowReturnOutsideFunction: true,
      allowHashBang: true,
      locations: true,
      ranges: true,
    }) as unknown as Parsed['ast'];
    const scopes = analyze(ast as never, {
      ecmaVersion: 2025,
      // CommonJS: one function around everything, as Node compiles it.
      sourceType: isModule ? 'module' : 'commonjs',
      ignoreEval: true,
      fallback: 'iteration',
    });
    const moduleScope = scopes.scopes.find((scope) => scope.type === (isModule ? 'module' : 'function'));
    if (!moduleScope) return { ok: false, line: 1, column: 1, message: 'no module scope' };
    const variableOf = new Map<ESTree.Node, Variable>();
    for (const scope of scopes.scopes) {
      for (const reference of scope.references) {
        if (reference.resolved) variableOf.set(reference.identifier as ESTree.Node, reference.resolved);
      }
    }
    return { ok: true, parsed: { text, ast, isModule, scopes, variableOf, moduleScope } };
  } catch (error) {
    const { loc, message } = error as { loc?: { line: number; column: number }; message?: string };
    return {
      ok: false,
      line: loc?.line ?? 1,
      column: (loc?.column ?? 0) + 1,
      message: (message ?? String(error)).replace(/ \(\d+:\d+\)$/, ''),
    };
  }
}

/** The nodes directly below a node, in source order of their keys. */
export function children(node: ESTree.Node): Node[] {
  const found: Node[] = [];
  for (const [key, value] of Object.entries(node)) {
    if (key === 'loc' || key === 'range') continue;
    for (const item of Array.isArray(value) ? value : [value]) if (isNode(item)) found.push(item);
  }
  return found;
}

/** Visits a node and all below it; `visit` returns false to stay out of a subtree. */
export function walk(node: Node, visit: (node: Node, parents: readonly Node[]) => boolean | void): void {
  const parents: Node[] = [];
  const step = (at: Node) => {
    if (visit(at, parents) === false) return;
    parents.push(at);
    for (const child of children(at)) step(child);
    parents.pop();
  };
  step(node);
}

const parents = new WeakMap<Parsed, ReadonlyMap<Node, Node>>();

/** The node around a node; null for the program. */
export function parentOf(parsed: Parsed, node: ESTree.Node): Node | null {
  let known = parents.get(parsed);
  if (!known) {
    const found = new Map<Node, Node>();
    walk(parsed.ast, (at, above) => {
      const parent = above.at(-1);
      // `{ f }` is one node as key and value; the value is what is meant.
      if (parent) found.set(at, parent);
    });
    parents.set(parsed, (known = found));
  }
  return known.get(node as Node) ?? null;
}

export function isFunction(node: ESTree.Node): node is FunctionNode {
  return (
    node.type === 'FunctionDeclaration' ||
    node.type === 'FunctionExpression' ||
    node.type === 'ArrowFunctionExpression'
  );
}

/** `(0, m.f)` is how compilers call an import without giving it a `this`. */
export function uncommaed(node: Node): Node {
  if (node.type !== 'SequenceExpression' || node.expressions.length !== 2) return node;
  const [zero, value] = node.expressions;
  return zero?.type === 'Literal' && zero.value === 0 ? (value as Node) : node;
}

function isNode(value: unknown): value is Node {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Node).type === 'string' &&
    'start' in value
  );
}
