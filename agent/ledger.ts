import { timers } from './builtins.ts';
import type { Capabilities } from './capabilities.ts';
import type { Doors } from './doors.ts';
import type { Change, Engine, Unit } from './engines/engine.ts';
import { AgentError, asFailure, guarded, later } from './guard.ts';
import {
  CODES,
  PENDING_LIMIT_MS,
  STALE_WATCH_MS,
  type Details,
  type EngineName,
  type FunctionState,
  type LoadResult,
  type Outcome,
  type Patch,
  type PatchState,
  type Replacement,
  type ScriptSource,
  type UnloadResult,
} from './protocol.ts';
import type { LoadedScript, Scripts } from './scripts.ts';

/** A loaded patch, oldest first in the ledger. Its phase says whether it takes part in the wanted state. */
interface Entry {
  readonly patch: Patch;
  readonly loadedAt: number;
  readonly scripts: ReadonlyMap<string, LoadedScript>;
  /**
   * `waiting`: nothing is changed, calls are waited for; `in force`: part of the wanted state; `given up`: it waited
   * too long and changed nothing, listed until somebody unloads it.
   */
  phase: 'waiting' | 'in force' | 'given up';
  stopWaiting: () => void;
  /** Why it is not in force, by function; units in force keep their own outcome. */
  outcome: Outcome;
  unloadBlocked: { code: string; data?: Details } | null;
}

/** A unit with the proof that its current replacement runs. */
interface TrackedUnit extends Unit {
  proof: 'none needed' | 'watched' | 'proved';
  stopWatching: (() => void) | null;
  /** Calls of the replaced function that were seen since: it is held where the planner could not see. */
  staleCalls: number;
  stopLooking: () => void;
}

/**
 * The ordered list of loaded patches, and the only place that changes the process. What runs is computed from the
 * baselines and this list: the last patch that names a function wins. Loading and unloading in any order are both
 * "compute the wanted state and converge", in one turn of the event loop, or nothing.
 */
export class Ledger {
  readonly #entries: Entry[] = [];
  readonly #units = new Map<string, TrackedUnit>();
  readonly #engines: Readonly<Record<EngineName, Engine>>;
  readonly #scripts: Scripts;
  readonly #doors: Doors;
  readonly #capabilities: Capabilities;
  readonly #changed: () => void;

  constructor(parts: {
    engines: Readonly<Record<EngineName, Engine>>;
    scripts: Scripts;
    doors: Doors;
    capabilities: Capabilities;
    /** Called after every change of what `list` says. */
    changed: () => void;
  }) {
    this.#engines = parts.engines;
    this.#scripts = parts.scripts;
    this.#doors = parts.doors;
    this.#capabilities = parts.capabilities;
    this.#changed = parts.changed;
  }

  /** Loads a patch. A function that cannot be replaced refuses the whole patch, which is then not listed. */
  load(patch: Patch, limitMs: number = PENDING_LIMIT_MS): LoadResult {
    const started = performance.now();
    if (this.#entries.some((entry) => entry.patch.id === patch.id)) {
      throw new AgentError(CODES.alreadyLoaded, { id: patch.id.slice(0, 12) });
    }
    const entry: Entry = {
      patch,
      loadedAt: Date.now(),
      scripts: this.#check(patch),
      phase: 'waiting',
      stopWaiting: () => {},
      outcome: waiting(patch),
      unloadBlocked: null,
    };
    const refusal = this.#begin(entry, limitMs);
    const pauseMs = performance.now() - started;
    if (refusal) return { patch: refusedState(entry, refusal), pauseMs };
    this.#changed();
    return { patch: this.#state(entry), pauseMs };
  }

  /** Unloads, newest first. A patch that cannot be unloaded now stays listed and in force, and says why. */
  unload(ids: readonly string[] | 'all'): UnloadResult {
    const started = performance.now();
    const entries = ids === 'all' ? [...this.#entries] : ids.map((id) => this.#named(id));
    const unloaded: string[] = [];
    const blocked: { id: string; code: string; data?: Details }[] = [];
    for (const entry of [...new Set(entries)].reverse()) {
      const failure = this.#remove(entry);
      if (failure) blocked.push({ id: entry.patch.id, ...failure });
      else unloaded.push(entry.patch.id);
    }
    this.#changed();
    return { unloaded, blocked, pauseMs: performance.now() - started };
  }

  list(): readonly PatchState[] {
    return this.#entries.map((entry) => this.#state(entry));
  }

  /** What loaded patches hold of a script. */
  held(url: string): ScriptSource['held'] {
    return [...this.#units.values()].filter((unit) => unit.script.url === url);
  }

  /** Everything that can be refused before anything is waited for. Returns the scripts by URL. */
  #check(patch: Patch): ReadonlyMap<string, LoadedScript> {
    const scripts = new Map<string, LoadedScript>();
    for (const replacement of patch.replacements) {
      const { url, engine, range } = replacement;
      const script = scripts.get(url) ?? this.#scripts.get(url);
      scripts.set(url, script);
      if (patch.baselines[url] !== script.hash) throw new AgentError(CODES.baselineDiffers, { url });
      const name = replacement.function;
      if (engine === 'live-edit' && !patch.allowLiveEdit && this.#capabilities.facts().liveEdit === 'risky') {
        const { node } = process.versions;
        throw new AgentError(CODES.liveEditConsent, { function: name, why: 'its kind', node });
      }
      for (const unit of this.#units.values()) {
        if (unit.script.url !== url || range.end <= unit.range.start || unit.range.end <= range.start)
          continue;
        if (unit.range.start !== range.start || unit.range.end !== range.end) {
          throw new AgentError(CODES.overlapsPatch, { function: name, other: unit.function });
        }
        if (unit.engine !== engine) {
          throw new AgentError(CODES.heldByOtherEngine, { function: name, engine: unit.engine });
        }
      }
    }
    return scripts;
  }

  /** Commits now, or waits until every engine is ready. Returns the refusal if the commit failed. */
  #begin(entry: Entry, limitMs: number): Refusal | null {
    const stops: (() => void)[] = [];
    let open = 0;
    for (const replacement of entry.patch.replacements) {
      const script = entry.scripts.get(replacement.url)!;
      const ready = () => {
        open--;
        if (open === 0) this.#becomeReady(entry);
      };
      const stop = this.#engines[replacement.engine].open(script, replacement, ready);
      if (!stop) continue;
      stops.push(stop);
      open++;
    }
    if (open === 0) return this.#commit(entry);
    stops.push(later(limitMs, () => this.#giveUp(entry, limitMs)));
    entry.stopWaiting = () => {
      for (const stop of stops) stop();
    };
    this.#entries.push(entry);
    return null;
  }

  /**
   * Runs inside a call of the user's program, so that this very call already meets the new code. A live edit cannot
   * be made with the program's functions on the stack and is put off to the next turn.
   */
  #becomeReady(entry: Entry): void {
    const finish = () => {
      if (entry.phase !== 'waiting') return;
      entry.stopWaiting();
      this.#entries.splice(this.#entries.indexOf(entry), 1);
      const refusal = this.#commit(entry);
      if (refusal) {
        entry.phase = 'given up';
        entry.outcome = refusal.outcome;
        this.#entries.push(entry);
      }
      this.#changed();
    };
    if (entry.patch.replacements.some(({ engine }) => engine === 'live-edit'))
      timers.setImmediate(guarded(finish));
    else finish();
  }

  #giveUp(entry: Entry, limitMs: number): void {
    if (entry.phase !== 'waiting') return;
    entry.stopWaiting();
    entry.phase = 'given up';
    const seconds = Math.round(limitMs / 1000);
    entry.outcome = {
      status: 'refused',
      code: CODES.neverCalled,
      data: { module: moduleNames(entry.patch), seconds },
    };
    this.#changed();
  }

  #commit(entry: Entry): Refusal | null {
    const order = [...this.#entries, entry];
    entry.phase = 'in force';
    const failure = this.#converge(order);
    if (failure) return failure;
    this.#entries.push(entry);
    return null;
  }

  #remove(entry: Entry): { code: string; data: Details } | null {
    if (entry.phase === 'in force') {
      const failure = this.#converge(this.#entries.filter((other) => other !== entry));
      if (failure) {
        const { code, data = {} } = failure.outcome;
        entry.unloadBlocked = { code, data };
        return { code, data };
      }
    }
    entry.stopWaiting();
    this.#entries.splice(this.#entries.indexOf(entry), 1);
    return null;
  }

  /** Brings the process to what this list of patches wants. On failure it is left exactly as it was. */
  #converge(order: readonly Entry[]): Refusal | null {
    const wanted = new Map<string, { script: LoadedScript; replacement: Replacement }>();
    for (const entry of order) {
      if (entry.phase !== 'in force') continue;
      for (const replacement of entry.patch.replacements) {
        wanted.set(keyOf(replacement), { script: entry.scripts.get(replacement.url)!, replacement });
      }
    }
    const changes: { unit: TrackedUnit; to: Replacement | null }[] = [];
    for (const [key, { script, replacement }] of wanted) {
      const unit = this.#units.get(key) ?? newUnit(key, script, replacement);
      if (unit.current !== replacement) changes.push({ unit, to: replacement });
    }
    for (const unit of this.#units.values()) if (!wanted.has(unit.key)) changes.push({ unit, to: null });

    const failure = this.#apply(changes);
    if (!failure) for (const { unit, to } of changes) this.#settle(unit, to);
    // After a failure too: a live edit that was taken back has dropped the breakpoints of its script.
    this.#watchAgain();
    return failure;
  }

  /** Live edit first: it can still fail when it is done, while bindings are all but made before they are written. */
  #apply(changes: readonly Change[]): Refusal | null {
    const of = (name: EngineName) => changes.filter((change) => change.unit.engine === name);
    const edits = of('live-edit');
    const undo = edits.map(({ unit }) => ({ unit, to: unit.current }));
    try {
      const edit = this.#engines['live-edit'].prepare(edits);
      const bind = this.#engines['scope-binding'].prepare(of('scope-binding'));
      edit();
      try {
        bind();
      } catch (error) {
        for (const { unit, to } of edits) unit.current = to;
        this.#engines['live-edit'].prepare(undo)();
        for (const { unit, to } of undo) unit.current = to;
        throw error;
      }
      return null;
    } catch (error) {
      const { code, data } = asFailure(error);
      const named = data['function'];
      const name = typeof named === 'string' ? named : (changes[0]?.unit.function ?? '?');
      return { function: name, outcome: { status: 'refused', code, data } };
    }
  }

  #settle(unit: TrackedUnit, to: Replacement | null): void {
    unit.stopWatching?.();
    unit.stopWatching = null;
    unit.stopLooking();
    unit.staleCalls = 0;
    unit.current = to;
    if (to) {
      unit.proof = 'watched';
      this.#units.set(unit.key, unit);
      this.#scripts.keep(unit.script);
      this.#lookForOldCalls(unit);
      return;
    }
    this.#units.delete(unit.key);
    this.#engines[unit.engine].release(unit);
    if (this.held(unit.script.url).length > 0) return;
    this.#scripts.forget(unit.script);
    this.#doors.forget(unit.script.url);
  }

  /** For a while after a binding. Errors leave the patch as it is: this adds to the proof, it is not the proof. */
  #lookForOldCalls(unit: TrackedUnit): void {
    try {
      const stop = this.#engines[unit.engine].watchOld(unit, () => {
        unit.staleCalls++;
        if (unit.staleCalls === 1) timers.setImmediate(guarded(() => this.#changed()));
      });
      if (!stop) return;
      const stopTimer = later(STALE_WATCH_MS, stop);
      unit.stopLooking = () => {
        stopTimer();
        stop();
      };
    } catch {
      unit.stopLooking = () => {};
    }
  }

  /** Watches every unit that has no proof yet; anew, because a live edit drops the breakpoints of its script. */
  #watchAgain(): void {
    for (const unit of this.#units.values()) {
      if (unit.proof !== 'watched') continue;
      unit.stopWatching?.();
      let stop: (() => void) | null;
      try {
        stop = this.#engines[unit.engine].watch(unit, (proof) => this.#seen(unit, proof));
      } catch {
        continue; // What is in place stays in place; without proof it stays pending.
      }
      if (!stop) {
        unit.proof = 'none needed';
        continue;
      }
      const stopTimer = later(PENDING_LIMIT_MS, stop);
      unit.stopWatching = () => {
        stopTimer();
        stop();
      };
    }
  }

  /** Runs inside a call of the user's program: what has to change is put off to the next turn. */
  #seen(unit: TrackedUnit, proof: 'proved' | 'disproved'): void {
    unit.stopWatching?.();
    unit.stopWatching = null;
    if (proof === 'proved') {
      unit.proof = 'proved';
      this.#changed();
      return;
    }
    timers.setImmediate(guarded(() => this.#takeBack(unit)));
  }

  /** V8 said Ok and old code ran: the patches that hold this unit are taken back and say so. */
  #takeBack(unit: TrackedUnit): void {
    for (const entry of [...this.#entries].reverse()) {
      if (entry.phase !== 'in force' || !entry.patch.replacements.some((each) => keyOf(each) === unit.key))
        continue;
      if (this.#converge(this.#entries.filter((other) => other !== entry))) continue;
      entry.phase = 'given up';
      entry.outcome = { status: 'refused', code: CODES.notEffective, data: { function: unit.function } };
    }
    this.#changed();
  }

  #named(id: string): Entry {
    const found = this.#entries.filter(
      ({ patch }) => patch.id === id || (id.length >= 4 && patch.id.startsWith(id)),
    );
    const available = this.#entries.map(({ patch }) => patch.id.slice(0, 12));
    if (found.length > 1) throw new AgentError(CODES.ambiguousPatch, { id, count: found.length });
    if (!found[0]) throw new AgentError(CODES.noSuchPatch, { id, available });
    return found[0];
  }

  #state(entry: Entry): PatchState {
    const functions = entry.patch.replacements.map((replacement) =>
      functionState(replacement, entry.phase === 'in force' ? this.#outcomeOf(replacement) : entry.outcome),
    );
    const { id, title } = entry.patch;
    const base = { id, title, loadedAt: entry.loadedAt, functions };
    return entry.unloadBlocked ? { ...base, unloadBlocked: entry.unloadBlocked } : base;
  }

  #outcomeOf(replacement: Replacement): Outcome {
    const unit = this.#units.get(keyOf(replacement));
    const data = { function: replacement.function };
    if (!unit) return { status: 'stale', code: CODES.changedElsewhere, data };
    if (unit.current !== replacement) {
      const other = this.#entries.find(({ patch }) =>
        patch.replacements.some((each) => each === unit.current),
      );
      return { status: 'pending', code: CODES.covered, data: { other: other?.patch.id.slice(0, 12) ?? '?' } };
    }
    if (!this.#engines[unit.engine].holds(unit))
      return { status: 'stale', code: CODES.changedElsewhere, data };
    if (unit.staleCalls > 0) {
      return { status: 'stale', code: CODES.oldCodeRan, data: { ...data, calls: unit.staleCalls } };
    }
    if (unit.proof === 'watched') return { status: 'pending', code: CODES.waitingForProof, data };
    return { status: 'applied' };
  }
}

interface Refusal {
  readonly function: string;
  readonly outcome: Extract<Outcome, { status: 'refused' }>;
}

function keyOf({ url, range }: Replacement): string {
  return `${url}#${range.start}`;
}

function newUnit(key: string, script: LoadedScript, replacement: Replacement): TrackedUnit {
  const { range, engine } = replacement;
  const name = replacement.function;
  return {
    key,
    script,
    function: name,
    range,
    engine,
    current: null,
    proof: 'watched',
    stopWatching: null,
    staleCalls: 0,
    stopLooking: () => {},
  };
}

function waiting(patch: Patch): Outcome {
  return { status: 'pending', code: CODES.waitingForCall, data: { module: moduleNames(patch) } };
}

function moduleNames(patch: Patch): string {
  const names = new Set(patch.replacements.map(({ url }) => url.slice(url.lastIndexOf('/') + 1)));
  return [...names].join(', ');
}

function functionState(replacement: Replacement, outcome: Outcome): FunctionState {
  const { file, line, url, engine } = replacement;
  return { function: replacement.function, file, line, url, engine, outcome };
}

function refusedState({ patch, loadedAt }: Entry, refusal: Refusal): PatchState {
  const functions = patch.replacements.map((replacement) => {
    const own = replacement.function === refusal.function || patch.replacements.length === 1;
    const data = { function: refusal.function };
    const other: Outcome = { status: 'refused', code: CODES.otherRefused, data };
    return functionState(replacement, own ? refusal.outcome : other);
  });
  return { id: patch.id, title: patch.title, loadedAt, functions };
}
