import type { Scope, Variable } from 'eslint-scope';
import type * as ESTree from 'estree';
import { children, isFunction, walk, type Node, type Parsed } from './parse.ts';

/** Parameters of the function that Node wraps around a CommonJS module. */
export const WRAPPER_NAMES: ReadonlySet<string> = new Set([
  'exports',
  'require',
  'module',
  '__filename',
  '__dirname',
]);

/** Names of the module that some function inside it uses, so that V8 keeps them where a door can reach them. */
export function capturedNames(parsed: Parsed): ReadonlySet<string> {
  const found = new Set<string>();
  for (const variable of parsed.moduleScope.variables) {
    if (variable.references.some(({ from }) => functionScopeOf(from) !== parsed.moduleScope))
      found.add(variable.name);
  }
  for (const scope of parsed.scopes.scopes) {
    if (functionScopeOf(scope) === parsed.moduleScope) continue;
    for (const { identifier, resolved } of scope.references) {
      if (!resolved && WRAPPER_NAMES.has(String(identifier.name))) found.add(String(identifier.name));
    }
  }
  // Imports (but not namespaces) and exports of ES modules are cells of the module itself: a door reaches them even
  // where no function uses them (measured on Node 20 and 26).
  if (parsed.isModule) for (const name of moduleCells(parsed)) found.add(name);
  if (hasDirectEval(parsed)) for (const variable of parsed.moduleScope.variables) found.add(variable.name);
  return found;
}

function moduleCells(parsed: Parsed): readonly string[] {
  return parsed.ast.body.flatMap((statement) => {
    switch (statement.type) {
      case 'ImportDeclaration':
        return statement.specifiers.flatMap(({ type, local }) =>
          type === 'ImportNamespaceSpecifier' ? [] : [local.name],
        );
      case 'ExportNamedDeclaration':
        if (statement.source) return [];
        return [
          ...statement.specifiers.flatMap(({ local }) => (local.type === 'Identifier' ? [local.name] : [])),
          ...(statement.declaration ? declaredNames(statement.declaration) : []),
        ];
      case 'ExportDefaultDeclaration': {
        const { declaration } = statement;
        const isNamed = declaration.type === 'FunctionDeclaration' || declaration.type === 'ClassDeclaration';
        return isNamed && declaration.id ? [declaration.id.name] : [];
      }
      default:
        return [];
    }
  });
}

function declaredNames(declaration: ESTree.Declaration): readonly string[] {
  if (declaration.type !== 'VariableDeclaration') return declaration.id ? [declaration.id.name] : [];
  return declaration.declarations.flatMap(({ id }) => (id.type === 'Identifier' ? [id.name] : []));
}

/**
 * For each function or block scope around `inner`, the names that functions inside it capture, innermost scope first.
 * V8 ignores a live edit that changes any of these lists (measured).
 */
export function capturesAround(parsed: Parsed, inner: Node): readonly (readonly string[])[] {
  const lists: string[][] = [];
  for (let scope = scopeOf(parsed, inner)?.upper ?? null; scope; scope = scope.upper) {
    const own = functionScopeOf(scope);
    const captured = scope.variables.filter(({ references }) =>
      references.some(({ from }) => functionScopeOf(from) !== own),
    );
    const wrapper =
      scope === parsed.moduleScope && !parsed.isModule
        ? [...capturedNames(parsed)].filter((name) => WRAPPER_NAMES.has(name)).sort()
        : [];
    lists.push([...wrapper, ...captured.map(({ name }) => name)]);
  }
  return lists;
}

/** Names that a function uses and does not declare: of its module, of scopes between, or global. */
export function freeNames(parsed: Parsed, node: Node): ReadonlyMap<string, Variable | null> {
  const found = new Map<string, Variable | null>();
  const inside = new Set<ESTree.Node>();
  walk(node, (at) => {
    inside.add(at);
  });
  for (const scope of parsed.scopes.scopes) {
    for (const { identifier, resolved } of scope.references) {
      if (!inside.has(identifier as ESTree.Node)) continue;
      if (resolved && inside.has(resolved.scope.block as ESTree.Node)) continue;
      found.set(String(identifier.name), resolved);
    }
  }
  return found;
}

/** Does this function itself (not a nested ordinary one) use what belongs to the function around it? */
export function usesLexicalThis(node: Node): boolean {
  let found = false;
  const step = (at: Node) => {
    if (at !== node && isFunction(at) && at.type !== 'ArrowFunctionExpression') return;
    if (at.type === 'ThisExpression' || at.type === 'Super' || at.type === 'MetaProperty') found = true;
    if (at.type === 'Identifier' && at.name === 'arguments') found = true;
    for (const child of children(at)) step(child);
  };
  step(node);
  return found;
}

/** Private names (`#x`) that a function uses. */
export function usesPrivateNames(node: Node): boolean {
  let found = false;
  walk(node, (at) => {
    if (at.type === 'PrivateIdentifier') found = true;
  });
  return found;
}

export function hasDirectEval(parsed: Parsed): boolean {
  let found = false;
  walk(parsed.ast, (node) => {
    if (node.type === 'CallExpression' && node.callee.type === 'Identifier' && node.callee.name === 'eval')
      found = true;
  });
  return found;
}

/** The scope that a function opens for its parameters and variables. */
export function scopeOf(parsed: Parsed, node: Node): Scope | null {
  return parsed.scopes.acquire(node as never, true) ?? null;
}

/** Class field initializers and static blocks are functions to V8 as well. */
function functionScopeOf(scope: Scope): Scope {
  let at = scope;
  while (
    at.upper &&
    !['function', 'module', 'global', 'class-field-initializer', 'class-static-block'].includes(at.type)
  ) {
    at = at.upper;
  }
  return at;
}
