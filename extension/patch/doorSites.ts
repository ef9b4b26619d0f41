import type { DoorSite } from '../../agent/protocol.ts';
import { scopeOf } from './captures.ts';
import { isFunction, walk, type FunctionNode, type Node, type Parsed } from './parse.ts';

/** What a door has to give. */
export interface DoorNeeds {
  /** The function that is replaced: its own calls open the best door. */
  readonly node: FunctionNode;
  /** Every name the new code means from outside itself, globals included: nothing on the way may shadow one. */
  readonly names: ReadonlySet<string>;
  /** Only inside this class: for its private names, its inner name, or because `this` alone leads to it. */
  readonly within: Node | null;
  /** `this` of the call leads to what is replaced: on this side of the class. */
  readonly through: 'instance' | 'static' | null;
}

/** More sites do not open a door sooner, and each costs the target a breakpoint. */
const MOST_DOORS = 48;

/**
 * Functions whose calls open a door from which the new code sees the module as it would at its own place: nothing
 * between them and the module declares a name that the new code means, and they are strict if it is not sloppy.
 */
export function doorSites(
  parsed: Parsed,
  { node: own, names, within, through }: DoorNeeds,
): readonly DoorSite[] {
  const strict = isStrict(parsed, own);
  const sites: { offset: number; near: number }[] = [];
  walk(parsed.ast, (node, parents) => {
    if (!isFunction(node)) return;
    if (within && !parents.includes(within)) return;
    if (through && !isMethodOf(within, parents, through)) return;
    if (isConstructor(parents.at(-1))) return;
    if (!strict && isStrict(parsed, node)) return;
    if (shadows(parsed, node, names)) return;
    sites.push({
      offset: (node.body as Node).start,
      near: node === own ? -1 : Math.abs(node.start - own.start),
    });
  });
  // The function itself first: whatever else is never called, its own first call opens a door.
  sites.sort((a, b) => a.near - b.near);
  return sites.slice(0, MOST_DOORS).map(({ offset }) => ({ offset }));
}

export function isStrict(parsed: Parsed, node: Node): boolean {
  return scopeOf(parsed, node)?.isStrict ?? parsed.isModule;
}

function isMethodOf(classNode: Node | null, parents: readonly Node[], side: 'instance' | 'static'): boolean {
  const definition = parents.at(-1);
  return (
    definition?.type === 'MethodDefinition' &&
    definition.static === (side === 'static') &&
    parents.at(-3) === classNode
  );
}

function isConstructor(node: Node | undefined): boolean {
  return node?.type === 'MethodDefinition' && node.kind === 'constructor';
}

function shadows(parsed: Parsed, node: FunctionNode, names: ReadonlySet<string>): boolean {
  for (let scope = scopeOf(parsed, node); scope && scope !== parsed.moduleScope; scope = scope.upper) {
    // A class names itself inside its body; that is the same class.
    if (scope.type === 'class') continue;
    for (const { name } of scope.variables) {
      // Every function has `arguments`; only one that declares it shadows anything, and the new function has its own.
      if (name !== 'arguments' && names.has(name)) return true;
    }
  }
  return false;
}
