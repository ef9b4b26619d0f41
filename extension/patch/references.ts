import type { Scope, Variable } from 'eslint-scope';
import type * as ESTree from 'estree';
import { isTransientArgument, memberText } from './functions.ts';
import { children, isFunction, parse, walk, type Node, type Parsed } from './parse.ts';

/** Parameters of the function that Node wraps around a CommonJS module. */
const WRAPPER_NAMES = new Set(['exports', 'require', 'module', '__filename', '__dirname']);

/** A use of a function other than a call: somebody may keep the function object. */
export interface TakenReference {
  /** 1-based. */
  readonly line: number;
}

export interface BindingUse {
  /** CommonJS export keys that hold the function. */
  readonly exported: readonly string[];
  /** Where its object is taken otherwise. */
  readonly taken: readonly TakenReference[];
}

/** How a script uses a function of its own that a name is bound to. */
export function useOfBinding(parsed: Parsed, variable: Variable): BindingUse {
  const exported: string[] = [];
  const taken: TakenReference[] = [];
  const own = new Set(variable.references.map((reference) => reference.identifier as ESTree.Node));
  walk(parsed.ast, (node, parents) => {
    if (!own.has(node)) return;
    const key = exportKey(node, parents);
    if (key !== null) exported.push(key);
    else if (!isHarmless(node, parents)) taken.push({ line: node.loc.start.line });
  });
  return { exported: [...new Set(exported)], taken };
}

/**
 * Where other scripts keep a function that `home` exports under one of `names`: by destructuring, or by reading it
 * without calling it. Texts that cannot be parsed count as keeping it.
 */
export function takenByImporters(
  mentions: readonly { readonly url: string; readonly text: string }[],
  names: ReadonlySet<string>,
  home: string,
): readonly { readonly url: string; readonly line: number }[] {
  const found: { url: string; line: number }[] = [];
  for (const { url, text } of mentions) {
    const result = parse(text, looksLikeModule(text));
    if (!result.ok) found.push({ url, line: 1 });
    else for (const line of linesThatTake(result.parsed, names, home)) found.push({ url, line });
  }
  return found;
}

/** Lines where a property called `key` is read without being called: a method may be kept there. */
export function linesTakingProperty(parsed: Parsed, key: string): readonly number[] {
  const lines: number[] = [];
  walk(parsed.ast, (node, parents) => {
    if (takesProperty(node, parents, key)) lines.push(node.loc.start.line);
  });
  return lines;
}

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

function exportKey(node: Node, parents: readonly Node[]): string | null {
  const [above, over, top] = [parents.at(-1), parents.at(-2), parents.at(-3)];
  if (above?.type === 'AssignmentExpression' && above.right === node) {
    // `exports.a = exports.b = f` as well: what is assigned to is what counts.
    const text = memberText(above.left as Node);
    const match = text && /^(?:module\.)?exports\.(\w+)$/.exec(text);
    return match?.[1] ?? null;
  }
  if (above?.type === 'Property' && above.value === node && over?.type === 'ObjectExpression') {
    const exports = top?.type === 'AssignmentExpression' && memberText(top.left as Node) === 'module.exports';
    return exports && above.key.type === 'Identifier' ? above.key.name : null;
  }
  return null;
}

/** A call, an export that follows the binding, a check: nothing that keeps the function object. */
function isHarmless(node: Node, parents: readonly Node[]): boolean {
  const above = parents.at(-1);
  if (!above) return true;
  switch (above.type) {
    case 'CallExpression':
      return above.callee === node || isTransientArgument(above, node);
    case 'TaggedTemplateExpression':
      return above.tag === node;
    case 'UnaryExpression':
      return above.operator === 'typeof';
    case 'ExportSpecifier':
    case 'FunctionDeclaration':
      return true;
    case 'MemberExpression': {
      if (above.object !== node || above.computed || above.property.type !== 'Identifier') return false;
      const call = parents.at(-2);
      const immediate = above.property.name === 'call' || above.property.name === 'apply';
      return immediate && call?.type === 'CallExpression' && call.callee === above;
    }
    case 'ArrowFunctionExpression':
      // esbuild's and swc's export getters: `__export(x, { f: () => f })` reads the binding each time.
      return above.body === node && isExportGetter(parents.slice(0, -1));
    case 'ReturnStatement': {
      const around = parents.slice(0, -2);
      return around.at(-1)?.type === 'FunctionExpression' && isExportGetter(around);
    }
    default:
      return false;
  }
}

function isExportGetter(parents: readonly Node[]): boolean {
  const object = parents.findLast((node) => node.type === 'ObjectExpression');
  const at = object ? parents.indexOf(object) : -1;
  const call = parents[at - 1];
  if (call?.type !== 'CallExpression') return false;
  const callee = memberText(call.callee as Node) ?? '';
  return callee === 'Object.defineProperty' || /^_*export/i.test(callee);
}

function takesProperty(node: Node, parents: readonly Node[], key: string): boolean {
  const above = parents.at(-1);
  if (node.type === 'MemberExpression') {
    if (node.computed ? !isLiteral(node.property, key) : !isIdentifier(node.property, key)) return false;
    if (above?.type === 'CallExpression' && above.callee === node) return false;
    if (above?.type === 'AssignmentExpression' && above.left === node) return false;
    if (above?.type === 'UnaryExpression') return false;
    // `a.m.call(b)` calls at once; `a.m.bind(b)` keeps it.
    if (above?.type === 'MemberExpression' && above.object === node) {
      const called = above.property.type === 'Identifier' && ['call', 'apply'].includes(above.property.name);
      const call = parents.at(-2);
      return !(called && call?.type === 'CallExpression' && call.callee === above);
    }
    if (above?.type === 'SequenceExpression') return false; // (0, m.f)(…)
    return true;
  }
  return (
    node.type === 'ObjectPattern' &&
    node.properties.some((each) => each.type === 'Property' && isIdentifier(each.key, key))
  );
}

function linesThatTake(parsed: Parsed, names: ReadonlySet<string>, home: string): number[] {
  const lines: number[] = [];
  for (const statement of parsed.ast.body) {
    if (statement.type !== 'ImportDeclaration' || !mayMean(String(statement.source.value), home)) continue;
    for (const specifier of statement.specifiers) {
      if (specifier.type === 'ImportNamespaceSpecifier') continue;
      const imported =
        specifier.type === 'ImportDefaultSpecifier'
          ? 'default'
          : isIdentifier(specifier.imported)
            ? specifier.imported.name
            : '';
      if (!names.has(imported)) continue;
      const variable = parsed.moduleScope.set.get(specifier.local.name);
      if (variable) lines.push(...useOfBinding(parsed, variable).taken.map(({ line }) => line));
    }
  }
  walk(parsed.ast, (node, parents) => {
    for (const name of names) {
      if (!takesProperty(node, parents, name)) continue;
      const source = node.type === 'ObjectPattern' ? requiredFrom(parents.at(-1)) : null;
      if (source !== null && !mayMean(source, home)) continue;
      lines.push(node.loc.start.line);
    }
  });
  return lines;
}

/** `require('./x')` on the right of a destructuring. */
function requiredFrom(declarator: Node | undefined): string | null {
  if (declarator?.type !== 'VariableDeclarator' || declarator.init?.type !== 'CallExpression') return null;
  const { callee, arguments: given } = declarator.init;
  const [first] = given;
  if (!isIdentifier(callee, 'require') || first?.type !== 'Literal') return null;
  return String(first.value);
}

/** Could this specifier lead to the script? Only a relative one with another file name surely does not. */
function mayMean(specifier: string, home: string): boolean {
  if (!specifier.startsWith('.')) return !specifier.startsWith('node:');
  const bare = (path: string) => path.slice(path.lastIndexOf('/') + 1).replace(/\.\w+$/, '');
  const last = bare(specifier);
  const folder = home.split('/').at(-2) ?? '';
  return ['', '.', '..', 'index', bare(home), folder].includes(last);
}

function looksLikeModule(text: string): boolean {
  return /^\s*(?:import|export)\b/m.test(text);
}

function isIdentifier(node: ESTree.Node, name?: string): node is ESTree.Identifier {
  return node.type === 'Identifier' && (name === undefined || node.name === name);
}

function isLiteral(node: ESTree.Node, value: string): boolean {
  return node.type === 'Literal' && node.value === value;
}
