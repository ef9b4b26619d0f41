import { CODES } from '../../agent/protocol.ts';
import type { Refusal } from './changes.ts';
import type { FunctionUnit } from './functions.ts';
import { parse, walk, type Node, type Parsed } from './parse.ts';
import { capturesAround, hasDirectEval, usesLexicalThis } from './captures.ts';

/** V8 compares a changed chunk of lines character by character only below this many characters (liveedit.cc). */
const CHUNK_LIMIT = 800;

/**
 * Why V8 would ignore a live edit of this function, or why the process might not survive it; null: it takes it. The
 * facts behind each rule were measured on Node 20 to 26, see docs/notes/v8-live-edit.md.
 */
export function liveEditRefusal(
  running: Parsed,
  before: FunctionUnit,
  after: FunctionUnit,
  newText: string,
): Refusal | null {
  const name = before.name;
  const unsafe = (reason: string): Refusal => ({
    code: CODES.liveEditUnsafe,
    data: { function: name, reason },
  });
  const shape = shapeChange(before, after);
  if (shape) return { code: CODES.shapeChanged, data: { function: name, change: shape } };
  if (before.node.body.type !== 'BlockStatement') return unsafe('an arrow function without braces');
  if (hasDirectEval(running)) return unsafe('the script calls eval directly');
  if (hasNestedClass(running)) return unsafe('the script makes classes inside functions');

  const { start, end } = before.range;
  const edited = running.text.slice(0, start) + newText + running.text.slice(end);
  if (!staysInside(running.text, edited, before)) return unsafe('the edit touches the edge of the function');

  const result = parse(edited, running.isModule);
  if (!result.ok) return unsafe(`the new text does not fit (${result.message})`);
  const twin = nodeAt(result.parsed, before);
  if (!twin) return unsafe('the new text is another kind of function');
  const changed = changedCaptures(capturesAround(running, before.node), capturesAround(result.parsed, twin));
  if (changed.length > 0) return { code: CODES.capturesChanged, data: { function: name, names: changed } };
  if (
    before.node.type === 'ArrowFunctionExpression' &&
    usesLexicalThis(before.node) !== usesLexicalThis(after.node)
  ) {
    return { code: CODES.capturesChanged, data: { function: name, names: ['this'] } };
  }
  return null;
}

function shapeChange(before: FunctionUnit, after: FunctionUnit): string | null {
  const [x, y] = [before.node, after.node];
  if (x.type !== y.type) return 'another kind of function';
  if (Boolean(x.async) !== Boolean(y.async)) return y.async ? 'now async' : 'no longer async';
  if (Boolean(x.generator) !== Boolean(y.generator))
    return y.generator ? 'now a generator' : 'no longer a generator';
  if (x.body.type !== y.body.type)
    return y.body.type === 'BlockStatement' ? 'now with braces' : 'now without braces';
  return null;
}

/** Whether what V8 sees as changed lies within the function's own text, edges excluded. */
function staysInside(before: string, after: string, unit: FunctionUnit): boolean {
  let from = 0;
  while (from < before.length && from < after.length && before[from] === after[from]) from++;
  let back = 0;
  while (
    back < before.length - from &&
    back < after.length - from &&
    before[before.length - 1 - back] === after[after.length - 1 - back]
  ) {
    back++;
  }
  // The lines the change spans: V8 strips common lines first, then looks into the chunk if it is small.
  const chunkStart = before.lastIndexOf('\n', from - 1) + 1;
  const lineEnd = before.indexOf('\n', before.length - back);
  const chunkEnd = lineEnd < 0 ? before.length : lineEnd + 1;
  const small =
    Math.max(chunkEnd - chunkStart, chunkEnd - chunkStart + after.length - before.length) < CHUNK_LIMIT;
  const [start, end] = small ? [from, before.length - back] : [chunkStart, chunkEnd];
  const { node } = unit;
  // A function literal begins at its parenthesis; of an arrow only the body is safe.
  const first =
    node.type === 'ArrowFunctionExpression'
      ? (node.body as Node).start
      : before.indexOf('(', unit.range.start);
  return start > first && end < unit.range.end;
}

function nodeAt(parsed: Parsed, unit: FunctionUnit) {
  let found: FunctionUnit['node'] | null = null;
  walk(parsed.ast, (node) => {
    if (node.start === unit.node.start && node.type === unit.node.type) found = node as FunctionUnit['node'];
  });
  return found;
}

function changedCaptures(
  before: readonly (readonly string[])[],
  after: readonly (readonly string[])[],
): string[] {
  const changed = new Set<string>();
  for (let level = 0; level < Math.max(before.length, after.length); level++) {
    const [x, y] = [before[level] ?? [], after[level] ?? []];
    for (const name of x) if (!y.includes(name)) changed.add(name);
    for (const name of y) if (!x.includes(name)) changed.add(name);
  }
  return [...changed];
}

/** V8 keeps text positions of classes made before an edit; those made later would carry positions of the edited text. */
function hasNestedClass(parsed: Parsed): boolean {
  let found = false;
  walk(parsed.ast, (node, parents) => {
    if (node.type !== 'ClassDeclaration' && node.type !== 'ClassExpression') return;
    if (parents.some(({ type }) => type.includes('Function'))) found = true;
  });
  return found;
}
