import type { EngineName, Range, Replacement } from '../protocol.ts';
import type { LoadedScript } from '../scripts.ts';

/** One function of one script that patches replace: what the ledger counts by. */
export interface Unit {
  readonly key: string;
  readonly script: LoadedScript;
  readonly function: string;
  readonly range: Range;
  readonly engine: EngineName;
  /** The replacement that is in force; null: the baseline. */
  current: Replacement | null;
}

/** A step from what is in force to what is wanted, for one unit. */
export interface Change {
  readonly unit: Unit;
  readonly to: Replacement | null;
}

/** One way of replacing functions inside this process. */
export interface Engine {
  readonly name: EngineName;

  /**
   * Can this engine work on the replacement now? Otherwise `ready` is called once it can, possibly inside a call of
   * the user's program. Returns how to stop waiting, or null when it is ready already. Throws AgentError if it will
   * never be.
   */
  open(script: LoadedScript, replacement: Replacement, ready: () => void): (() => void) | null;

  /**
   * Checks and makes all that can fail, changing nothing, and returns the step that changes the process. That step
   * throws AgentError only after it has restored what it changed. `unit.current` is set by the ledger, not here.
   */
  prepare(changes: readonly Change[]): () => void;

  /**
   * Watches for proof that the replacement runs. `proved` once new code was seen to be what the program calls,
   * `disproved` once old code ran instead. Null: `prepare`'s step has proved it already.
   */
  watch(unit: Unit, seen: (proof: 'proved' | 'disproved') => void): (() => void) | null;

  /**
   * Calls `ran` whenever the function that was replaced is entered again, inside that call: somebody kept it. Returns
   * how to stop; null where this cannot be or need not be seen.
   */
  watchOld(unit: Unit, ran: () => void): (() => void) | null;

  /** Is what this engine put there still there? */
  holds(unit: Unit): boolean;

  /** The unit is back at its baseline and no patch holds it: lets go of everything kept for it. */
  release(unit: Unit): void;
}
