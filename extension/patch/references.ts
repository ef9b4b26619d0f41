import type { Variable } from 'eslint-scope';
import type * as ESTree from 'estree';
import type { Mention } from '../../agent/protocol.ts';
import { exportsText, follow, keyOf, type Start, type Value, type ValueObject } from './follow.ts';
import { memberText, type FunctionUnit, type Place } from './functions.ts';
import { followImporters, specifierHints, type Provider } from './importers.ts';
import { parentOf, parse, walk, type Node, type Parsed } from './parse.ts';

/** How the program gets at a function: what a new binding of it would reach, and what not. */
export interface References {
  /** The first place known that keeps the function object and would go on calling it; null: there is none. */
  readonly taken: { readonly url: string; readonly line: number } | null;
  /** Under which keys the script's own exports lead to it. */
  readonly exported: ValueObject;
}

/** A script of the target, for messages and to resolve specifiers. */
interface Home {
  readonly parsed: Parsed;
  readonly url: string;
}

/** Finds who keeps a top-level function of `home`, in its own script and in those that mention it. */
export function referencesTo(home: Home, unit: FunctionUnit, mentions: readonly Mention[]): References {
  const { parsed, url } = home;
  const { place } = unit;
  const { taken, exported } = inOwnScript(parsed, place);
  if (taken.length > 0) return { taken: { url, line: Math.min(...taken) }, exported };
  const key = sharedKey(place);
  for (const mention of key === null ? [] : mentions) {
    const [line] = linesTakingProperty(mention.text, key!);
    if (line !== undefined) return { taken: { url: mention.url, line }, exported };
  }
  const importers = followImporters(mentions, provider(home, exported));
  return { taken: importers.taken[0] ?? null, exported };
}

/**
 * What texts of other scripts have in them that may keep the function. Asked with the mentions that these names gave,
 * it names more where one of them gives the function on under its own exports.
 */
export function namesLeadingTo(
  home: Home,
  unit: FunctionUnit,
  mentions: readonly Mention[] = [],
): readonly string[] {
  const key = sharedKey(unit.place);
  const { exported } = inOwnScript(home.parsed, unit.place);
  const names = new Set(key === null ? [] : [key]);
  if (Object.keys(exported).length > 0) {
    const { providers } = followImporters(mentions, provider(home, exported));
    for (const each of providers) {
      for (const hint of specifierHints(each.url)) names.add(hint);
      for (const name of Object.keys(each.exports)) if (name !== 'default') names.add(name);
    }
  }
  return [...names];
}

function provider({ parsed, url }: Home, exports: ValueObject): Provider {
  return { url, isModule: parsed.isModule, exports };
}

/** A method is found on any instance, so other scripts are searched for its name; null: it is not known by name. */
function sharedKey(place: Place): string | null {
  if (place.kind === 'method') return place.isPrivate || place.part !== 'value' ? null : place.key;
  if (place.kind !== 'property' || place.part !== 'value') return null;
  return place.holder?.endsWith('.prototype') ? place.key : null;
}

function inOwnScript(parsed: Parsed, place: Place): { taken: readonly number[]; exported: ValueObject } {
  // Reading an accessor runs it; there is no function object to keep.
  if ('part' in place && place.part !== 'value') return { taken: [], exported: {} };
  const starts = startsOf(parsed, place);
  const first = follow(parsed, starts);
  const taken = [...first.taken];
  let exported: Record<string, Value> = { ...declaredExports(parsed, place), ...first.exported };
  // The script's own `exports` lead there as well, and may be given on under more keys.
  for (let more = !parsed.isModule; more;) {
    const again = follow(parsed, exportsStarts(parsed, exported));
    taken.push(...again.taken);
    const all = { ...exported, ...again.exported };
    more = Object.keys(all).length > Object.keys(exported).length;
    exported = all;
  }
  const key = place.kind === 'property' ? place.key : sharedKey(place);
  if (key !== null) taken.push(...linesTaking(parsed, key));
  return { taken, exported };
}

function startsOf(parsed: Parsed, place: Place): readonly Start[] {
  switch (place.kind) {
    case 'binding': {
      const variable = parsed.moduleScope.set.get(place.name);
      return variable ? [{ variable, value: 'function' }] : [];
    }
    case 'method': {
      const { className, key, isStatic } = place;
      if (isStatic || className === null || key === null) return [];
      return nodesOf(parsed, `${className}.prototype`, { [key]: 'function' });
    }
    case 'property': {
      if (place.holder === null) return [];
      const value: Value = { [place.key]: 'function' };
      if (place.holder.endsWith('.prototype')) return nodesOf(parsed, place.holder, value);
      const [root = '', ...path] = place.holder.split('.');
      const variable = parsed.moduleScope.set.get(root);
      return variable
        ? [{ variable, value: path.reduceRight<Value>((inner, key) => ({ [key]: inner }), value) }]
        : [];
    }
    default:
      return [];
  }
}

/** Every expression that is written like this: `A.prototype`. */
function nodesOf(parsed: Parsed, text: string, value: Value): readonly Start[] {
  const found: Start[] = [];
  walk(parsed.ast, (node) => {
    if (node.type === 'MemberExpression' && memberText(node) === text) found.push({ node, value });
  });
  return found;
}

/** `exports` and `module.exports`, and what they are assigned as a whole. */
function exportsStarts(parsed: Parsed, value: Value): readonly Start[] {
  const found: Start[] = [];
  for (const { identifier, resolved } of parsed.scopes.scopes.flatMap(({ references }) => references)) {
    if (resolved || (identifier.name !== 'exports' && identifier.name !== 'module')) continue;
    const name = identifier as Node;
    const node = identifier.name === 'exports' ? name : parentOf(parsed, name);
    if (!node || exportsText(node) !== '') continue;
    found.push({ node, value });
    const above = parentOf(parsed, node);
    if (above?.type === 'AssignmentExpression' && above.left === node) found.push({ node: above, value });
  }
  return found;
}

/** What declares itself exported: `export function f`, `export const api = …`, `exports.f = function`. */
function declaredExports(parsed: Parsed, place: Place): Record<string, Value> {
  if (place.kind === 'export') return { [place.key]: 'function' };
  if (place.kind !== 'binding' && place.kind !== 'property') return {};
  const [root = '', ...path] = place.kind === 'binding' ? [place.name] : (place.holder ?? '').split('.');
  const variable = parsed.moduleScope.set.get(root);
  if (!variable) return {};
  const value: Value =
    place.kind === 'binding'
      ? 'function'
      : [...path, place.key].reduceRight<Value>((inner, key) => ({ [key]: inner }), 'function');
  const names = exportedNames(parsed, variable);
  const found: Record<string, Value> = Object.fromEntries(names.map((name) => [name, value]));
  return isExportsItself(variable) && typeof value === 'object' ? { ...found, ...value } : found;
}

/** `const app = (exports = module.exports = {})`. */
function isExportsItself(variable: Variable): boolean {
  return variable.defs.some((def) => {
    let init = (def.node as { init?: ESTree.Expression | null }).init ?? null;
    for (; init?.type === 'AssignmentExpression'; init = init.right) {
      if (exportsText(init.left as Node) === '') return true;
    }
    return init !== null && exportsText(init as Node) === '';
  });
}

function exportedNames(parsed: Parsed, variable: Variable): readonly string[] {
  const isOwn = (node: ESTree.Node) => variable.defs.some((def) => (def.node as ESTree.Node) === node);
  return parsed.ast.body.flatMap((statement) => {
    if (statement.type === 'ExportDefaultDeclaration')
      return isOwn(statement.declaration as ESTree.Node) ? ['default'] : [];
    if (statement.type !== 'ExportNamedDeclaration' || !statement.declaration) return [];
    const { declaration } = statement;
    const declared = declaration.type === 'VariableDeclaration' ? declaration.declarations : [declaration];
    return declared.some(isOwn) ? [variable.name] : [];
  });
}

/** Lines of a text that keep what they read from a property of this name. Texts that cannot be parsed keep it. */
function linesTakingProperty(text: string, key: string): readonly number[] {
  const asModule = parse(text, true);
  const result = asModule.ok ? asModule : parse(text, false);
  return result.ok ? linesTaking(result.parsed, key) : [1];
}

/** Lines where a property called `key`, of whatever object, is read without being called at once. */
function linesTaking(parsed: Parsed, key: string): readonly number[] {
  const lines: number[] = [];
  walk(parsed.ast, (node) => {
    if (node.type === 'MemberExpression' && keyOf(node) === key) {
      const { taken, exported } = follow(parsed, [{ node, value: 'function' }]);
      lines.push(...taken);
      if (Object.keys(exported).length > 0) lines.push(node.loc.start.line);
    }
    if (node.type !== 'ObjectPattern' || isFromModule(parentOf(parsed, node))) return;
    const property = node.properties.find((each) => each.type === 'Property' && keyOf(each) === key);
    if (property) lines.push((property as Node).loc.start.line);
  });
  return lines;
}

/** `const { f } = require('./a')`: no method of an instance. */
function isFromModule(declarator: Node | null): boolean {
  if (declarator?.type !== 'VariableDeclarator' || declarator.init?.type !== 'CallExpression') return false;
  const { callee } = declarator.init;
  return callee.type === 'Identifier' && callee.name === 'require';
}
