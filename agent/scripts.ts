import { crypto, timers } from './builtins.ts';
import type { DebuggerSession, Location, ParsedScript } from './debuggerSession.ts';
import { AgentError } from './guard.ts';
import { CODES, type Mention, type Range, type ScriptInfo } from './protocol.ts';

/** Text of ours carries this in its URL, so that it is never taken for a script of the user. */
export const PATCH_MARK = '?hotpatch=';

/** A script of the user in this isolate: what it was loaded with, and what V8 holds for it now. */
export class LoadedScript {
  readonly url: string;
  /** Kept across live edits: V8 gives the old text a fresh id, and the new text keeps this one (measured). */
  readonly scriptId: string;
  readonly baseline: string;
  readonly sourceMapUrl: string;
  readonly isModule: boolean;
  /** What V8 holds now, and where it differs from the baseline: baseline range and length of the text in its place. */
  text: string;
  splices: readonly { readonly range: Range; readonly length: number }[] = [];
  #lineStarts: { text: string; starts: number[] } | null = null;

  constructor(parsed: ParsedScript, text: string) {
    this.url = parsed.url;
    this.scriptId = parsed.scriptId;
    this.baseline = text;
    this.text = text;
    this.sourceMapUrl = parsed.sourceMapURL ?? '';
    this.isModule = parsed.isModule ?? false;
  }

  /** sha256 of the baseline, hex. */
  get hash(): string {
    return crypto.createHash('sha256').update(this.baseline).digest('hex');
  }

  /** Where a baseline offset is in the current text; null inside a part that a live edit replaced. */
  currentOffset(offset: number): number | null {
    let shift = 0;
    for (const { range, length } of this.splices) {
      if (offset > range.start && offset < range.end) return null;
      if (offset >= range.end) shift += length - (range.end - range.start);
    }
    return offset + shift;
  }

  /** The place of an offset of the current text. */
  location(offset: number): Location {
    if (this.#lineStarts?.text !== this.text) {
      const starts = [0];
      for (let at = this.text.indexOf('\n'); at >= 0; at = this.text.indexOf('\n', at + 1))
        starts.push(at + 1);
      this.#lineStarts = { text: this.text, starts };
    }
    const { starts } = this.#lineStarts;
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { scriptId: this.scriptId, lineNumber: low, columnNumber: offset - starts[low]! };
  }
}

/** The scripts of the user that V8 holds. Those with a patch are remembered, the others are looked up each time. */
export class Scripts {
  readonly #debugger: DebuggerSession;
  readonly #kept = new Map<string, LoadedScript>();
  /** Ids that V8 gave to texts which a live edit of ours replaced. */
  readonly #retired = new Set<string>();

  constructor(session: DebuggerSession) {
    this.#debugger = session;
  }

  list(): readonly ScriptInfo[] {
    const infos = new Map<string, ScriptInfo>();
    this.#debugger.during(() => {
      for (const script of this.#live()) {
        const before = infos.get(script.url);
        infos.set(script.url, {
          url: script.url,
          sourceMapUrl: abbreviate(script.sourceMapURL ?? ''),
          isModule: script.isModule ?? false,
          copies: (before?.copies ?? 0) + 1,
        });
      }
    });
    return [...infos.values()];
  }

  /** The script with this URL. Throws `scriptGone`, or `loadedTwice` where which one runs is not known. */
  get(url: string): LoadedScript {
    const kept = this.#kept.get(url);
    if (kept) return kept;
    return this.#debugger.during(() => {
      const found = [...this.#live()].filter((script) => script.url === url);
      const parsed = found[0];
      if (!parsed) throw new AgentError(CODES.scriptGone, { url });
      if (found.length > 1) throw new AgentError(CODES.loadedTwice, { url, copies: found.length });
      return new LoadedScript(parsed, this.sourceOf(parsed.scriptId));
    });
  }

  keep(script: LoadedScript): void {
    this.#kept.set(script.url, script);
  }

  forget(script: LoadedScript): void {
    this.#kept.delete(script.url);
  }

  /** The text V8 holds for a script id. */
  sourceOf(scriptId: string): string {
    const { scriptSource } = this.#debugger.post<{ scriptSource: string }>('Debugger.getScriptSource', {
      scriptId,
    });
    return scriptSource;
  }

  /** After a live edit: finds and retires the id that now stands for the replaced text; null if V8 dropped it. */
  retireOldText(script: LoadedScript): string | null {
    let retired: string | null = null;
    for (const parsed of this.#debugger.scriptsAnew()) {
      if (parsed.url !== script.url || parsed.scriptId === script.scriptId) continue;
      if (this.#retired.has(parsed.scriptId)) continue;
      this.#retired.add(parsed.scriptId);
      retired = parsed.scriptId;
    }
    return retired;
  }

  /**
   * Scripts that mention one of `names`, other than `except`: they may hold a reference to a function of that name.
   * Looks at a few scripts per turn of the event loop, so that a program with thousands is never held up.
   */
  async mentions(names: readonly string[], except: string): Promise<readonly Mention[]> {
    const release = this.#debugger.hold();
    try {
      const home = packageOf(except);
      const found: Mention[] = [];
      let sliceStart = performance.now();
      for (const script of [...this.#live()]) {
        if (script.url === except) continue;
        const place = packageOf(script.url);
        // A dependency does not know the user's functions by name, nor those of another dependency.
        if (place !== null && place !== home) continue;
        if (performance.now() - sliceStart > SLICE_MS) {
          await new Promise((resolve) => timers.setImmediate(resolve));
          sliceStart = performance.now();
        }
        const text = this.sourceOf(script.scriptId);
        if (names.some((name) => text.includes(name))) found.push({ url: script.url, text });
      }
      return found;
    } finally {
      release();
    }
  }

  *#live(): Iterable<ParsedScript> {
    for (const script of this.#debugger.scripts.values()) {
      if (isUsers(script.url) && !this.#retired.has(script.scriptId)) yield script;
    }
  }
}

const SLICE_MS = 2;

function isUsers(scriptUrl: string): boolean {
  return (
    scriptUrl !== '' &&
    !scriptUrl.startsWith('node:') &&
    !scriptUrl.startsWith('hotpatch:') &&
    !scriptUrl.includes(PATCH_MARK)
  );
}

function packageOf(scriptUrl: string): string | null {
  const match = /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+\//.exec(scriptUrl);
  return match ? match[0] : null;
}

function abbreviate(sourceMapUrl: string): string {
  return sourceMapUrl.startsWith('data:') ? sourceMapUrl.slice(0, 64) : sourceMapUrl;
}
