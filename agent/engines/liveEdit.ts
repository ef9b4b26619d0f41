import type { Capabilities } from '../capabilities.ts';
import { DebuggerSession } from '../debuggerSession.ts';
import { Sentries, type Doors, type Visits } from '../doors.ts';
import { AgentError } from '../guard.ts';
import { CODES, type Replacement } from '../protocol.ts';
import type { LoadedScript, Scripts } from '../scripts.ts';
import type { Change, Engine, Unit } from './engine.ts';

interface EditAnswer {
  /** Absent on Node 18; every Node we edit on has it. */
  readonly status?: string;
  readonly exceptionDetails?: {
    readonly text?: string;
    readonly exception?: { readonly description?: string };
  };
}

/**
 * Replaces functions by `Debugger.setScriptSource`, the last engine: it reaches arrows and closures already alive, but
 * V8 answers `Ok` to a quarter of ordinary edits without doing them, stops the process in proportion to its heap, and
 * may crash Node 24 later. So: one function per call (many at once are ignored where each alone is not, measured), the
 * text is read back, and only a call that runs the new text is proof.
 */
export class LiveEdit implements Engine {
  readonly name = 'live-edit';
  readonly #debugger: DebuggerSession;
  readonly #capabilities: Capabilities;
  readonly #scripts: Scripts;
  readonly #visits: Visits;
  readonly #doors: Doors;
  /** By unit key: the id of the text that the last edit replaced, and where the function's body was in it. */
  readonly #replaced = new Map<string, { scriptId: string; bodyAt: number; text: string }>();

  constructor(
    session: DebuggerSession,
    capabilities: Capabilities,
    scripts: Scripts,
    visits: Visits,
    doors: Doors,
  ) {
    this.#debugger = session;
    this.#capabilities = capabilities;
    this.#scripts = scripts;
    this.#visits = visits;
    this.#doors = doors;
  }

  open(_script: LoadedScript, replacement: Replacement): null {
    if (this.#capabilities.facts().liveEdit === 'gone') {
      const { node } = process.versions;
      throw new AgentError(CODES.liveEditGone, { function: replacement.function, why: 'its kind', node });
    }
    return null;
  }

  prepare(changes: readonly Change[]): () => void {
    if (changes.length === 0) return () => {};
    return () => {
      const release = this.#debugger.hold();
      const done: Change[] = [];
      try {
        for (const change of changes) {
          const before = change.unit.current;
          this.#edit(change);
          done.push({ unit: change.unit, to: before });
        }
      } catch (error) {
        for (const change of done.reverse()) this.#edit(change);
        throw error;
      } finally {
        release();
      }
    };
  }

  watch(unit: Unit, seen: (proof: 'proved' | 'disproved') => void): (() => void) | null {
    const { script, current } = unit;
    if (!current) return null;
    // A session of its own: only one that connects after the edit knows the id of the replaced text.
    const session = new DebuggerSession();
    const sentries = new Sentries(session, this.#visits);
    const start = script.currentOffset(unit.range.start) ?? unit.range.start;
    const stop = session.whileWatching((stops) => {
      const visit = (proof: 'proved' | 'disproved') => () => {
        stop();
        seen(proof);
      };
      const newer = sentries.post(script.location(start + current.bodyOffset), visit('proved'));
      if (newer) stops.push(newer);
      const old = this.#replaced.get(unit.key);
      const older = old && sentries.post(placeIn(old), visit('disproved'));
      if (older) stops.push(older);
    });
    return stop;
  }

  /** Every function object runs the new text; `watch` sees it if one does not. */
  watchOld(): null {
    return null;
  }

  holds(unit: Unit): boolean {
    return this.#debugger.during(() => this.#scripts.sourceOf(unit.script.scriptId) === unit.script.text);
  }

  release(unit: Unit): void {
    this.#replaced.delete(unit.key);
  }

  /** One function, one call. Throws AgentError with the script as it was. */
  #edit({ unit, to }: Change): void {
    const { script, range } = unit;
    const start = script.currentOffset(range.start);
    const before = script.text;
    const now = script.splices.find((splice) => splice.range.start === range.start);
    const length = now ? now.length : range.end - range.start;
    if (start === null)
      throw new AgentError(CODES.internal, { message: `${unit.function} is inside another edit` });
    const text = to
      ? padded(to.text, range.end - range.start)
      : script.baseline.slice(range.start, range.end);
    const wanted = before.slice(0, start) + text + before.slice(start + length);
    const oldBody = start + (unit.current?.bodyOffset ?? to?.oldBodyOffset ?? 0);

    this.#post(unit, script, wanted);
    if (this.#scripts.sourceOf(script.scriptId) !== wanted) {
      throw new AgentError(CODES.notEffective, { function: unit.function });
    }
    script.text = wanted;
    const others = script.splices.filter((splice) => splice !== now);
    script.splices = to ? [...others, { range, length: text.length }] : others;
    try {
      const scriptId = this.#scripts.retireOldText(script);
      if (scriptId) this.#replaced.set(unit.key, { scriptId, bodyAt: oldBody, text: before });
      else this.#replaced.delete(unit.key);
      this.#doors.rearm(script);
    } catch {
      // The edit is made. What fails here only watches, and without proof it stays pending.
    }
  }

  #post(unit: Unit, { scriptId }: LoadedScript, scriptSource: string): void {
    const answer = this.#debugger.post<EditAnswer>('Debugger.setScriptSource', { scriptId, scriptSource });
    const name = unit.function;
    switch (answer.status) {
      case 'Ok':
        return;
      case 'CompileError': {
        const message =
          answer.exceptionDetails?.exception?.description ?? answer.exceptionDetails?.text ?? '?';
        throw new AgentError(CODES.evaluationFailed, { function: name, message });
      }
      case 'BlockedByActiveGenerator':
      case 'BlockedByActiveFunction':
        throw new AgentError(CODES.functionActive, { function: name });
      default:
        throw new AgentError(CODES.liveEditUnsafe, {
          function: name,
          reason: `V8 answered ${answer.status}`,
        });
    }
  }
}

/**
 * Never shorter than the baseline: V8 keeps the text positions of classes that were made before the edit, and
 * `String(SomeClass)` aborts the process where such a position lies behind the end of the new text (measured on Node
 * 20 and 24). Blanks before the closing brace change nothing else.
 */
function padded(text: string, length: number): string {
  if (text.length >= length || !text.endsWith('}')) return text;
  return `${text.slice(0, -1)}${' '.repeat(length - text.length)}}`;
}

function placeIn(old: { scriptId: string; bodyAt: number; text: string }) {
  const before = old.text.slice(0, old.bodyAt).split('\n');
  return { scriptId: old.scriptId, lineNumber: before.length - 1, columnNumber: before.at(-1)!.length };
}
