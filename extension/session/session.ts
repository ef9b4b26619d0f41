import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import {
  CODES,
  type Mention,
  type Outcome,
  type Patch,
  type PatchState,
  type Replacement,
  type ScriptSource,
  type UnloadResult,
} from '../../agent/protocol.ts';
import { compile, isScript, readSource, syntaxErrorOf } from '../compile/compile.ts';
import { locate, type Located } from '../compile/locate.ts';
import { namesToLookFor } from '../patch/bind.ts';
import { explain } from '../patch/catalogue.ts';
import {
  isRefusal,
  read,
  select,
  type Change,
  type Choice,
  type Reading,
  type Refusal,
} from '../patch/changes.ts';
import { HotPatchError } from '../patch/error.ts';
import { identityText } from '../patch/identity.ts';
import { plan, type Planned } from '../patch/plan.ts';
import type { AgentConnection } from '../target/connection.ts';
import type { NodeProcess } from '../target/processes/process.ts';
import { openTarget } from '../target/target.ts';
import type { FunctionReport, PatchReport, PatchRequest } from './report.ts';

export interface AttachOptions {
  /** The text of dist/agent.js. */
  readonly agentSource: string;
  readonly signal?: AbortSignal;
}

/** How long `patch` waits for pending functions, ms, unless the request says otherwise. */
const DEFAULT_WAIT_MS = 2000;

/**
 * One attached process and everything that can be done with it: the way from an edited text to the ledger, for every
 * surface (command line, editor). Rejections are HotPatchError.
 */
export class Session {
  readonly process: NodeProcess;
  readonly #connection: AgentConnection;
  #patches: readonly PatchState[];
  /** Where each file was found: a script keeps its URL while it is loaded. */
  readonly #located = new Map<string, Located>();

  private constructor(process: NodeProcess, connection: AgentConnection, patches: readonly PatchState[]) {
    this.process = process;
    this.#connection = connection;
    this.#patches = patches;
    connection.onChanged((changed) => {
      this.#patches = changed;
    });
  }

  /** Enters process `pid` (or reconnects to our agent in it) and follows its ledger. */
  static async attach(pid: number, options: AttachOptions): Promise<Session> {
    const { process, connection } = await openTarget(pid, options);
    try {
      return new Session(process, connection, await connection.request('subscribe', {}));
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  get pid(): number {
    return this.process.pid;
  }

  /** The command line of the process. */
  get command(): string {
    return this.process.command;
  }

  /** The ledger as last heard, oldest patch first. */
  get patches(): readonly PatchState[] {
    return this.#patches;
  }

  /** Calls `listener` after every change of the ledger; returns how to stop. */
  onDidChange(listener: (patches: readonly PatchState[]) => void): () => void {
    return this.#connection.onChanged(listener);
  }

  /** Calls `listener` once when the process has ended or the connection is lost; returns how to stop. */
  onDidEnd(listener: () => void): () => void {
    return this.#connection.onEnd(listener);
  }

  /** Compiles, plans and loads. A refusal is an answer, not a rejection; a syntax error or a lost process rejects. */
  async patch(request: PatchRequest): Promise<PatchReport> {
    const prepared = await this.#prepare(request);
    const { patch, ms } = prepared;
    if (!patch) return this.#report(null, prepared.reports, { ...ms, apply: 0, pause: 0 });

    const started = performance.now();
    const following = this.#follow(patch.id, request);
    let final: PatchState;
    let pauseMs: number;
    try {
      const loaded = await this.#connection.request('load', { patch });
      pauseMs = loaded.pauseMs;
      final = await following.settled(loaded.patch);
    } finally {
      following.stop();
    }
    const apply = performance.now() - started;
    const stillLoaded = final.functions.some(({ outcome }) => outcome.status !== 'refused');
    return this.#report(stillLoaded ? patch.id : null, final.functions.map(asReport), {
      ...ms,
      apply,
      pause: pauseMs,
    });
  }

  /** The same up to the plan: what `patch` would do, with nothing changed. */
  async dryRun(request: PatchRequest): Promise<PatchReport> {
    const { patch, reports, ms } = await this.#prepare(request);
    return this.#report(patch?.id ?? null, reports, { ...ms, apply: 0, pause: 0 });
  }

  /** Takes patches back, by id or the beginning of one (four characters or more). */
  unload(ids: readonly string[] | 'all'): Promise<UnloadResult> {
    return this.#connection.request('unload', { ids });
  }

  async list(): Promise<readonly PatchState[]> {
    this.#patches = await this.#connection.request('list', {});
    return this.#patches;
  }

  /** Lets go of the process; it keeps running with its patches. */
  close(): void {
    this.#connection.close();
  }

  async #prepare(request: PatchRequest): Promise<Prepared> {
    const started = performance.now();
    const file = resolve(request.file);
    if (!isScript(file)) throw new HotPatchError(CODES.notScript, { file });
    const source = request.text ?? (await readSource(file));
    const [edited, facts, { located, script }] = await Promise.all([
      compile(file, source),
      this.#connection.request('facts', {}),
      this.#find(file),
    ]);
    const baseline = await baselineText(file, located, script);
    request.signal?.throwIfAborted();
    const compiled = performance.now();

    const running = { url: script.url, text: script.baseline, isModule: script.isModule };
    const reading = read({ file, running, edited, baseline });
    if (isRefusal(reading)) throw await asError(file, source, reading);
    const selected = select(reading, choiceOf(request));
    const changes = selected.flatMap((each) => (each.ok ? [each.change] : []));
    const planned: Planned[] = selected.flatMap((each) => (each.ok ? [] : [each]));
    if (planned.length === 0) {
      const mentions = await this.#mentions(reading, changes);
      const allowLiveEdit = request.allowLiveEdit ?? false;
      planned.push(...plan(reading, changes, { target: facts, held: script.held, mentions, allowLiveEdit }));
    }
    request.signal?.throwIfAborted();
    const ms = { compile: compiled - started, plan: performance.now() - compiled };
    const replacements = planned.flatMap((each) => (each.ok ? [each.replacement] : []));
    const isWhole = replacements.length === planned.length && replacements.length > 0;
    const patch = isWhole ? patchOf(reading, replacements, request.allowLiveEdit ?? false) : null;
    return { patch, reports: planned.map((each) => plannedReport(each, file, planned)), ms };
  }

  async #find(file: string): Promise<{ located: Located; script: ScriptSource }> {
    const known = this.#located.get(file);
    if (known) {
      try {
        return { located: known, script: await this.#connection.request('script', { url: known.url }) };
      } catch (error) {
        if (!HotPatchError.is(error, CODES.scriptGone)) throw error;
      }
    }
    const scripts = await this.#connection.request('scripts', {});
    const located = await locate(file, scripts, async (url) => {
      const { sourceMapUrl } = await this.#connection.request('script', { url });
      return sourceMapUrl;
    });
    if (!located) throw new HotPatchError(CODES.notLoaded, { file, pid: this.pid });
    const { url, copies } = located;
    if (copies > 1) throw new HotPatchError(CODES.loadedTwice, { url, copies });
    this.#located.set(file, located);
    return { located, script: await this.#connection.request('script', { url }) };
  }

  /** Scripts that may keep the functions, and those that may get them from one of these: barrels give names on. */
  async #mentions(reading: Reading, changes: readonly Change[]): Promise<readonly Mention[]> {
    const except = reading.texts.running.url;
    let mentions: readonly Mention[] = [];
    for (let asked = 0; ;) {
      const names = new Set(changes.flatMap((change) => namesToLookFor(reading, change, mentions)));
      if (names.size === asked) return mentions;
      asked = names.size;
      mentions = await this.#connection.request('mentions', { names: [...names], except });
    }
  }

  /** Follows a patch that is about to be loaded, so that nothing it does in between is missed. */
  #follow(id: string, { waitMs = DEFAULT_WAIT_MS, signal }: PatchRequest) {
    let latest: PatchState | undefined;
    let wake = () => {};
    const stop = this.#connection.onChanged((patches) => {
      latest = patches.find((patch) => patch.id === id) ?? latest;
      wake();
    });
    /** Its state once nothing of it is pending, or when the time is up, the user gave up or the process ended. */
    const settled = async (loaded: PatchState): Promise<PatchState> => {
      const now = () => latest ?? loaded;
      const isPending = () => now().functions.some(({ outcome }) => outcome.status === 'pending');
      if (!isPending()) return now();
      const stops: (() => void)[] = [];
      await new Promise<void>((done) => {
        const timer = setTimeout(done, waitMs);
        const give = () => done();
        signal?.addEventListener('abort', give);
        stops.push(
          () => clearTimeout(timer),
          () => signal?.removeEventListener('abort', give),
          this.#connection.onEnd(give),
        );
        wake = () => {
          if (!isPending()) done();
        };
      });
      for (const each of stops) each();
      return now();
    };
    return { settled, stop };
  }

  #report(patchId: string | null, targets: readonly FunctionReport[], ms: PatchReport['ms']): PatchReport {
    const rounded = Object.fromEntries(
      Object.entries(ms).map(([key, value]) => [key, Math.round(value * 100) / 100]),
    );
    return { patchId, pid: this.pid, targets, ms: rounded as PatchReport['ms'] };
  }
}

interface Prepared {
  /** null: something was refused, nothing is to be loaded. */
  readonly patch: Patch | null;
  readonly reports: readonly FunctionReport[];
  readonly ms: { readonly compile: number; readonly plan: number };
}

function choiceOf({ functions, line }: PatchRequest): Choice {
  if (functions && functions.length > 0) return { kind: 'names', names: functions };
  return line === undefined ? { kind: 'changed' } : { kind: 'line', line };
}

/** The source the script was loaded from, compiled as the edited one is; null where it is not known. */
async function baselineText(file: string, located: Located, script: ScriptSource): Promise<string | null> {
  // A JavaScript file is its own script. TypeScript with its types blanked by Node is not what was written.
  if (located.isItself) return /\.[cm]?jsx?$/.test(file) ? script.baseline : null;
  if (located.baselineSource === null) return null;
  return (await compile(file, located.baselineSource)).text;
}

function patchOf(reading: Reading, replacements: readonly Replacement[], allowLiveEdit: boolean): Patch {
  const { url, text } = reading.texts.running;
  return {
    id: sha256(identityText(replacements)),
    title: replacements.map(({ function: name }) => name).join(', '),
    replacements,
    baselines: { [url]: sha256(text) },
    allowLiveEdit,
  };
}

async function asError(file: string, source: string, { code, data }: Refusal): Promise<HotPatchError> {
  // esbuild says more of a syntax error than the planner's parser, and knows syntax that parser does not.
  const better = code === CODES.syntaxError ? await syntaxErrorOf(file, source) : null;
  return better ?? new HotPatchError(code, data);
}

function plannedReport(planned: Planned, file: string, all: readonly Planned[]): FunctionReport {
  if (!planned.ok) {
    const { function: name, line, refusal } = planned;
    return refusedReport({ function: name, file, line, engine: null }, refusal.code, refusal.data);
  }
  const { function: name, line, engine } = planned.replacement;
  const blocker = all.find((each) => !each.ok);
  // All or nothing: one refusal and nothing of the patch is loaded.
  if (blocker && !blocker.ok) {
    return refusedReport({ function: name, file, line, engine }, CODES.otherRefused, {
      function: blocker.function,
    });
  }
  return { function: name, file, line, status: 'pending', engine, code: null, reason: null };
}

function asReport({
  function: name,
  file,
  line,
  engine,
  outcome,
}: PatchState['functions'][number]): FunctionReport {
  const place = { function: name, file, line, engine };
  if (outcome.status === 'applied') return { ...place, status: 'applied', code: null, reason: null };
  return { ...refusedReport(place, outcome.code, outcome.data), status: statusOf(outcome) };
}

/** A stale function is not what was asked for: it is reported as refused, with its reason. */
function statusOf({ status }: Outcome): FunctionReport['status'] {
  return status === 'stale' ? 'refused' : status;
}

function refusedReport(
  place: Pick<FunctionReport, 'function' | 'file' | 'line' | 'engine'>,
  code: string,
  data: Parameters<typeof explain>[1],
): FunctionReport {
  const { what, next } = explain(code, data);
  return { ...place, status: 'refused', code, reason: `${what} ${next}` };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
