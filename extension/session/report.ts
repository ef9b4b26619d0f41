import type { EngineName } from '../../agent/protocol.ts';

/** What the user asked to patch. Exactly one way of choosing functions applies, in this order: names, line, all. */
export interface PatchRequest {
  /** Absolute path of the edited source. */
  readonly file: string;
  /** The edited text if it is not what the disk holds (an unsaved editor). */
  readonly text?: string;
  /** Names such as `f`, `Class.method`, `Class.#method`, `outer.inner`. */
  readonly functions?: readonly string[];
  /** 1-based line in the edited text: the function around it. */
  readonly line?: number;
  /** The user agreed to live edit on a Node where the process may crash afterwards. */
  readonly allowLiveEdit?: boolean;
  /** How long to wait for pending functions to become applied, ms; 0 answers at once. Default 2000. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

/** What became of one function; `code` and `reason` are null when it is applied. */
export interface FunctionReport {
  readonly function: string;
  readonly file: string;
  /** 1-based line in the edited source. */
  readonly line: number;
  readonly status: 'applied' | 'pending' | 'refused';
  readonly engine: EngineName | null;
  readonly code: string | null;
  readonly reason: string | null;
}

/** The answer to a patch request, and the JSON that `hotpatch patch --json` prints. Times are in ms. */
export interface PatchReport {
  /** null when nothing was loaded. */
  readonly patchId: string | null;
  readonly pid: number;
  readonly targets: readonly FunctionReport[];
  readonly ms: {
    readonly compile: number;
    readonly plan: number;
    readonly apply: number;
    readonly pause: number;
  };
}
