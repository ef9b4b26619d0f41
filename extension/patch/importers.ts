import type * as ESTree from 'estree';
import type { Mention } from '../../agent/protocol.ts';
import { follow, nameOf, type Start, type Value, type ValueObject } from './follow.ts';
import { parentOf, parse, walk, type Node, type Parsed } from './parse.ts';

/** A script whose exports lead to the function. */
export interface Provider {
  readonly url: string;
  readonly isModule: boolean;
  /** What its exports lead to, by export name. */
  readonly exports: ValueObject;
}

export interface Importers {
  /** Where other scripts keep the function. */
  readonly taken: readonly { readonly url: string; readonly line: number }[];
  /** Scripts that give it on under their own exports; who imports those has to be asked for as well. */
  readonly providers: readonly Provider[];
}

/**
 * Follows a function through the scripts that import it, and those that import it from them. Texts that cannot be
 * parsed count as keeping it.
 */
export function followImporters(mentions: readonly Mention[], home: Provider): Importers {
  const scripts: { url: string; parsed: Parsed }[] = [];
  const taken: { url: string; line: number }[] = [];
  for (const { url, text } of mentions) {
    // Which of the two it is, V8 knows and does not say; almost no text is both.
    const asModule = parse(text, true);
    const result = asModule.ok && hasModuleSyntax(asModule.parsed) ? asModule : parse(text, false);
    if (result.ok) scripts.push({ url, parsed: result.parsed });
    else taken.push({ url, line: 1 });
  }
  const providers: Provider[] = [home];
  const known = new Set<string>();
  for (const provider of providers) {
    for (const { url, parsed } of scripts) {
      const starts: Start[] = [];
      const exported: Record<string, Value> = {};
      for (const each of importsOf(parsed)) {
        const meant = meaning(each.specifier, url, provider.url);
        if (meant === 'no') continue;
        const found = given(parsed, each, provider, meant === 'maybe');
        starts.push(...found.starts);
        Object.assign(exported, found.exported);
        for (const line of found.taken) taken.push({ url, line });
      }
      const followed = follow(parsed, starts);
      for (const line of followed.taken) taken.push({ url, line });
      Object.assign(exported, followed.exported);
      const key = `${url} ${Object.keys(exported).join()}`;
      if (Object.keys(exported).length === 0 || known.has(key)) continue;
      known.add(key);
      providers.push({ url, isModule: parsed.isModule, exports: exported });
    }
  }
  return { taken, providers };
}

/**
 * What the text of every script has in it that imports this one: the end of its path, as a specifier may name it.
 */
export function specifierHints(url: string): readonly string[] {
  const parts = bare(url).split('/');
  const stem = parts.at(-1) ?? '';
  const folder = parts.at(-2) ?? '';
  if (stem !== 'index') return [`/${stem}`];
  return [`/${stem}`, `/${folder}`, ...["'.'", '"."', "'..'", '".."', "'./'", '"./"', "'../'", '"../"']];
}

/** One way in which a script gets at another one. */
type Import =
  | { readonly specifier: string; readonly kind: 'declaration'; readonly node: ESTree.ImportDeclaration }
  | { readonly specifier: string; readonly kind: 'again'; readonly node: ESTree.ExportNamedDeclaration }
  | { readonly specifier: string; readonly kind: 'all'; readonly node: ESTree.ExportAllDeclaration }
  /** `require('./a')`, or `import('./a')` with what waits for it. */
  | { readonly specifier: string; readonly kind: 'require' | 'dynamic'; readonly node: Node };

function importsOf(parsed: Parsed): readonly Import[] {
  const found: Import[] = [];
  walk(parsed.ast, (node) => {
    switch (node.type) {
      case 'ImportDeclaration':
        found.push({ specifier: String(node.source.value), kind: 'declaration', node });
        break;
      case 'ExportNamedDeclaration':
        if (node.source) found.push({ specifier: String(node.source.value), kind: 'again', node });
        break;
      case 'ExportAllDeclaration':
        found.push({ specifier: String(node.source.value), kind: 'all', node });
        break;
      case 'CallExpression': {
        const [first] = node.arguments;
        if (node.callee.type !== 'Identifier' || node.callee.name !== 'require') break;
        if (first?.type === 'Literal') found.push({ specifier: String(first.value), kind: 'require', node });
        break;
      }
      case 'ImportExpression':
        if (node.source.type !== 'Literal') break;
        found.push({ specifier: String(node.source.value), kind: 'dynamic', node: node as unknown as Node });
        break;
    }
  });
  return found;
}

interface Given {
  readonly starts: Start[];
  readonly exported: Record<string, Value>;
  readonly taken: number[];
}

/** What an import gives of a provider. With `namesOnly` it may be another module: only names that fit are looked at. */
function given(parsed: Parsed, { kind, node }: Import, provider: Provider, namesOnly: boolean): Given {
  const result: Given = { starts: [], exported: {}, taken: [] };
  const whole = namesOnly ? withoutDefault(provider.exports) : provider.exports;
  // An ES module's import of a CommonJS export is a copy made when it was linked.
  const seen: ValueObject =
    provider.isModule || kind === 'require'
      ? whole
      : { ...mapped(whole, () => 'copy'), ...(namesOnly ? {} : { default: provider.exports }) };
  switch (kind) {
    case 'declaration':
      for (const specifier of node.specifiers) {
        const variable = parsed.moduleScope.set.get(specifier.local.name);
        if (!variable) continue;
        if (specifier.type === 'ImportNamespaceSpecifier') {
          if (!namesOnly) result.starts.push({ variable, value: seen });
          continue;
        }
        const value = at(seen, specifier.type === 'ImportSpecifier' ? nameOf(specifier.imported) : 'default');
        if (value !== undefined) result.starts.push({ variable, value });
      }
      return result;
    case 'again':
      for (const { local, exported } of node.specifiers) {
        const value = at(seen, nameOf(local));
        if (value === 'copy') result.taken.push((node as unknown as Node).loc.start.line);
        else if (value !== undefined) result.exported[nameOf(exported)] = value;
      }
      return result;
    case 'all':
      if (namesOnly) return result;
      if (node.exported) result.exported[nameOf(node.exported)] = seen;
      else Object.assign(result.exported, withoutDefault(seen));
      return result;
    case 'require':
    case 'dynamic': {
      const above = parentOf(parsed, node);
      if (namesOnly && !readsName(above, node)) return result;
      if (kind === 'require' || above?.type === 'AwaitExpression') {
        result.starts.push({ node: kind === 'require' ? node : (above as Node), value: seen });
      } else if (above?.type !== 'ExpressionStatement') result.taken.push(node.loc.start.line);
      return result;
    }
  }
}

/** `require('x').f` or `const { f } = require('x')`: names that say which module is meant. */
function readsName(above: Node | null, node: Node): boolean {
  if (above?.type === 'MemberExpression') return above.object === node;
  return above?.type === 'VariableDeclarator' && above.id.type === 'ObjectPattern';
}

function at(object: ValueObject, key: string): Value | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function withoutDefault(object: ValueObject): ValueObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => key !== 'default'));
}

function mapped(object: ValueObject, to: () => Value): ValueObject {
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [key, value === 'function' ? to() : value]),
  );
}

/**
 * Does this specifier lead to the script? A relative one can be resolved by its text alone. A bare one may be a package
 * of the same workspace or an alias; `maybe`, then, unless its last part names the script or a folder around it.
 */
function meaning(specifier: string, from: string, to: string): 'yes' | 'maybe' | 'no' {
  if (specifier.startsWith('node:')) return 'no';
  const home = bare(to);
  if (/^(?:\.{1,2}(?:\/|$)|\/|file:)/.test(specifier)) {
    const resolved = resolve(specifier, from);
    if (resolved === null) return 'maybe';
    if (resolved === home || `${resolved}/index` === home) return 'yes';
    // The main file of a folder with a package.json.
    return /^\/(?:dist|lib|build|out|src)\//.test(home.slice(resolved.length)) && home.startsWith(resolved)
      ? 'yes'
      : 'no';
  }
  const last = bare(specifier).split('/').at(-1) ?? '';
  return home.split('/').includes(last) ? 'yes' : 'maybe';
}

function resolve(specifier: string, from: string): string | null {
  try {
    return bare(new URL(specifier, asUrl(from)).href).replace(/\/$/, '');
  } catch {
    return null;
  }
}

/** Without extension: a specifier may leave it out, or name the source's instead. */
function bare(path: string): string {
  return asUrl(path)
    .replace(/[?#].*$/, '')
    .replace(/\.[cm]?[jt]sx?$/, '');
}

function asUrl(path: string): string {
  return path.startsWith('/') ? `file://${path}` : path;
}

function hasModuleSyntax(parsed: Parsed): boolean {
  return parsed.ast.body.some(({ type }) => type === 'ImportDeclaration' || type.startsWith('Export'));
}
