import { isStrict } from './doorSites.ts';
import type { FunctionUnit } from './functions.ts';
import { parse, type Node, type Parsed } from './parse.ts';

/**
 * An expression for what makes the new function, see Replacement.expression in agent/protocol.ts. `running` is the
 * function that is replaced, `written` the one whose way of writing `text` follows (the same, unless it was edited).
 */
export function expressionOf(
  parsed: Parsed,
  running: FunctionUnit,
  written: FunctionUnit,
  text: string,
): string {
  const { place } = running;
  // In a literal so that `super` works, in a strict function because class bodies are.
  const directive = place.kind === 'method' || isStrict(parsed, running.node) ? '"use strict"; ' : '';
  const isMethod = written.range.start !== written.node.start || written.place.kind === 'method';
  const key = place.kind === 'binding' ? place.name : 'key' in place ? place.key : running.name;
  // A computed key, because `__proto__: …` would be no property.
  const member = isMethod ? text : `[${JSON.stringify(key)}]: ${anonymous(written, text)}`;
  return `((hotpatch$home) => { ${directive}return { __proto__: hotpatch$home, ${member} }; })`;
}

/**
 * A declaration without its name: as an expression it would bind the name to itself inside, so that a later patch
 * would not be seen by its recursion. The property key gives the function its name.
 */
function anonymous({ node }: FunctionUnit, text: string): string {
  if (node.type !== 'FunctionDeclaration') return text;
  const result = parse(`(${text})`, false);
  const [statement] = result.ok ? result.parsed.ast.body : [];
  if (statement?.type !== 'ExpressionStatement' || statement.expression.type !== 'FunctionExpression')
    return text;
  const { id } = statement.expression;
  if (!id) return text;
  const { start, end } = id as unknown as Node;
  return text.slice(0, start - 1) + text.slice(end - 1);
}
