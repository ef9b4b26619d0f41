import MagicString from 'magic-string';
import type { Range } from '../../agent/protocol.ts';
import type { NameMap } from './compare.ts';
import { walk, type Node, type Parsed } from './parse.ts';

/** A part of a compiled text with the module's names as the running script calls them. */
export function renamed(
  parsed: Parsed,
  { node: within, range: whole }: { readonly node: Node; readonly range: Range },
  names: NameMap,
): string {
  const edits: { range: Range; text: string }[] = [];
  walk(within, (node, parents) => {
    if (node.type !== 'Identifier') return;
    const text = names.get(node.name);
    if (text === undefined || text === node.name) return;
    if (parsed.variableOf.get(node)?.scope !== parsed.moduleScope) return;
    const above = parents.at(-1);
    if (above?.type === 'Property' && above.shorthand) {
      edits.push({ range: above, text: `${node.name}: ${text}` });
    } else if (above?.type === 'CallExpression' && above.callee === node && text.includes('.')) {
      // Called without a `this`, as an import is.
      edits.push({ range: node, text: `(0, ${text})` });
    } else {
      edits.push({ range: node, text });
    }
  });
  const { start, end } = whole;
  if (edits.length === 0) return parsed.text.slice(start, end);
  const result = new MagicString(parsed.text);
  const seen = new Set<number>();
  for (const { range, text } of edits) {
    if (seen.has(range.start)) continue;
    seen.add(range.start);
    result.overwrite(range.start, range.end, text);
  }
  return result.slice(start, end);
}
