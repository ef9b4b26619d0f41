import { v8 } from './builtins.ts';
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
    if (!this.#editsScratch()) {
      // Refused in NODE_OPTIONS, but accepted at run time (measured on 26.0 to 26.10). An unknown flag is ignored.
      v8.setFlagsFromString('--inspector-live-edit');
      if (!this.#editsScratch()) return 'gone';
    }
    return Number(process.versions.node.split('.')[0]) >= 24 ? 'risky' : 'works';
  }

  /** A dry run on a scratch script that nobody runs: V8 checks the flag only after it found the script. */
  #editsScratch(): boolean {
    return this.#debugger.during(() => {
      const { scriptId } = this.#debugger.post<{ scriptId?: string }>('Runtime.compileScript', {
        expression: '0',
        sourceURL: 'hotpatch:probe',
        persistScript: true,
      });
      if (!scriptId) return false;
      try {
        this.#debugger.post('Debugger.setScriptSource', { scriptId, scriptSource: '1', dryRun: true });
        return true;
      } catch {
        return false;
      }
    });
  }
}
