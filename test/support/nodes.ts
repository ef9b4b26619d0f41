import { resolve } from 'node:path';
import { readDoor } from './doors.ts';

/** One real Node on this machine. */
export interface NodeBinary {
  /** 20, 22, 24 or 26. */
  readonly major: number;
  /** Without the v: `24.21.0`. */
  readonly version: string;
  /** Absolute. */
  readonly path: string;
}

/** The Node that runs the tests. */
export const runningNode: NodeBinary = {
  major: Number.parseInt(process.versions.node),
  version: process.versions.node,
  path: process.execPath,
};

/**
 * Every Node the tests have, oldest first. On anything but Linux x64 that is the running one alone.
 * @throws when scripts/doors.mjs has not installed them
 */
export function allNodes(): readonly NodeBinary[] {
  const { nodes, folder } = readDoor<{ nodes: NodeBinary[] }>('nodes');
  return nodes.map((node) => ({ ...node, path: resolve(folder, node.path) }));
}

/**
 * The Node of one major version.
 * @throws when this machine has none
 */
export function nodeOfMajor(major: number): NodeBinary {
  const nodes = allNodes();
  const node = nodes.find((each) => each.major === major);
  if (!node) throw new Error(`No Node ${major} here, only ${nodes.map((each) => each.version).join(', ')}`);
  return node;
}
