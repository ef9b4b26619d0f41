import { v8, vm } from './builtins.ts';
import type { DebuggerSession } from './debuggerSession.ts';
import type { TargetFacts } from './protocol.ts';

/**
 * The only place that looks at versions. Live edit itself is probed; that it may crash the process later cannot be
 * probed and is a measured fact: Express's fix for CVE-2024-51999 kills Node 24.21 (not 20.20, not 22.23).
 */
export class Capabilities {
  readonly #debugger: DebuggerSession;
  #liveEdit: TargetFacts['liveEdit'] | null = null;

  constructor(session: DebuggerSession) {
    this.#debugger = session;
  }

  /** The facts the planner needs. Switches V8's live edit on where it is off by default (Node 26). */
  facts(): TargetFacts {
    this.#liveEdit ??= this.#probeLiveEdit();
    return {
      node: process.versions.node,
      v8: process.versions.v8,
      liveEdit: this.#liveEdit,
      heapUsed: v8.getHeapStatistics().used_heap_size,
    };
  }

  #probeLiveEdit(): TargetFacts['liveEdit'] {
    if (this.#refusesEdits()) {
      // Off by default on Node 26. Refused in NODE_OPTIONS, but accepted at run time (measured on 26.0 to 26.10). Only
      // where V8 said that it is off: an older one would print about an unknown flag to the user's terminal.
      v8.setFlagsFromString('--inspector-live-edit');
      if (this.#refusesEdits()) return 'gone';
    }
    return Number(process.versions.node.split('.')[0]) >= 24 ? 'risky' : 'works';
  }

  /** A dry run on a scratch script that nobody calls: V8 looks at the flag only once it has found the script. */
  #refusesEdits(): boolean {
    return this.#debugger.during(() => {
      // V8 announces a script when it first runs.
      new vm.Script('0', { filename: SCRATCH }).runInThisContext();
      const scratch = [...this.#debugger.scripts.values()].findLast(({ url }) => url === SCRATCH);
      if (!scratch) return false;
      const { scriptId } = scratch;
      try {
        this.#debugger.post('Debugger.setScriptSource', { scriptId, scriptSource: '1', dryRun: true });
        return false;
      } catch (error) {
        return error instanceof Error && error.message.includes('no longer available');
      }
    });
  }
}

const SCRATCH = 'hotpatch:probe';
