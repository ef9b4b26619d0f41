import type { Session } from 'node:inspector';
import { inspector } from './builtins.ts';
import { later } from './guard.ts';

/** A script as V8 announces it. */
export interface ParsedScript {
  readonly scriptId: string;
  readonly url: string;
  readonly sourceMapURL?: string;
  readonly isModule?: boolean;
}

/** A place in a script, 0-based, as the protocol counts. */
export interface Location {
  readonly scriptId: string;
  readonly lineNumber: number;
  readonly columnNumber: number;
}

/** How long the debugger domain stays on after its last use, ms: one patch asks several times in a row. */
const LINGER_MS = 50;

/**
 * The agent's own inspector session. Posts are synchronous: V8 answers a same-thread session before `post` returns
 * (measured on Node 20.20, 22.23, 24.21 and 26.10), which is what lets a commit happen in one turn of the event loop.
 *
 * The debugger domain is on only while somebody holds it: left on, it makes `await` eight times slower (measured).
 */
export class DebuggerSession {
  #session: Session | null = null;
  #holders = 0;
  #stopLinger: (() => void) | null = null;
  readonly #scripts = new Map<string, ParsedScript>();

  /** Turns the debugger domain on until the returned function is called (once). */
  hold(): () => void {
    this.#stopLinger?.();
    this.#stopLinger = null;
    this.#enable();
    this.#holders++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#holders--;
      if (this.#holders === 0) this.#stopLinger = later(LINGER_MS, () => this.#disable());
    };
  }

  /**
   * Keeps the domain on for what `start` begins. Returns how to stop that and let go; lets go at once, and throws on,
   * if `start` throws: a domain left on slows the program for good.
   */
  whileWatching(start: (stops: (() => void)[]) => void): () => void {
    const release = this.hold();
    const stops: (() => void)[] = [];
    const stop = () => {
      for (const each of stops) each();
      release();
    };
    try {
      start(stops);
    } catch (error) {
      stop();
      throw error;
    }
    return stop;
  }

  /** Runs `work` with the debugger domain on. */
  during<T>(work: () => T): T {
    const release = this.hold();
    try {
      return work();
    } finally {
      release();
    }
  }

  /** All scripts V8 holds, Node's own included. Needs the domain to be held. */
  get scripts(): ReadonlyMap<string, ParsedScript> {
    return this.#scripts;
  }

  /**
   * Every script as a session sees it that connects now. After a live edit the replaced text has an id that no event
   * tells the session that edited; a second, passing session leaves the breakpoints of this one alone.
   */
  scriptsAnew(): readonly ParsedScript[] {
    const passing = new inspector.Session();
    const found: ParsedScript[] = [];
    passing.connect();
    try {
      passing.on('Debugger.scriptParsed', ({ params }: { params: ParsedScript }) => found.push(params));
      passing.post('Debugger.enable');
    } finally {
      passing.disconnect();
    }
    return found;
  }

  /** One protocol call. Throws an Error with the protocol's message. Shapes: the CDP's own documentation. */
  post<R>(method: string, params: object = {}): R {
    const session = this.#session;
    if (!session) throw new Error('the debugger session is closed');
    let answer: { error: Error | null; result: unknown } | undefined;
    session.post(method, params, (error: Error | null, result?: unknown) => {
      answer = { error, result };
    });
    if (!answer) throw new Error(`${method} did not answer at once`);
    if (answer.error) throw new Error(answer.error.message);
    return answer.result as R;
  }

  #enable(): void {
    if (this.#session) return;
    const session = new inspector.Session();
    session.connect();
    session.on('Debugger.scriptParsed', ({ params }: { params: ParsedScript }) => {
      this.#scripts.set(params.scriptId, params);
    });
    this.#session = session;
    this.#scripts.clear();
    this.post('Debugger.enable');
  }

  #disable(): void {
    this.#stopLinger?.();
    this.#stopLinger = null;
    const session = this.#session;
    this.#session = null;
    this.#scripts.clear();
    // Disconnecting turns every domain of the session off and drops its breakpoints.
    session?.disconnect();
  }
}
