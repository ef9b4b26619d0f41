import type { DebuggerSession, Location } from './debuggerSession.ts';
import { AGENT_KEY, type DoorSite } from './protocol.ts';
import type { LoadedScript } from './scripts.ts';

/** A way into a scope of the program: evaluates code as if it stood in the function the door was opened in. */
export type Door = (code: string) => unknown;

type Visitor = (door: Door) => void;

/** Who wants to know of a call that passes a sentry, by the number in its condition. */
export class Visits {
  readonly #visitors = new Map<number, Set<Visitor>>();
  #next = 1;

  add(visitors: Set<Visitor>): number {
    const id = this.#next++;
    this.#visitors.set(id, visitors);
    return id;
  }

  remove(id: number): void {
    this.#visitors.delete(id);
  }

  /** The breakpoint condition calls this, inside a call of the user's function. */
  visited(id: number, door: Door): void {
    for (const visitor of [...(this.#visitors.get(id) ?? [])]) visitor(door);
  }
}

interface Sentry {
  readonly id: number;
  readonly scriptId: string;
  readonly breakpointId: string;
  readonly visitors: Set<Visitor>;
}

/**
 * Conditional breakpoints that never pause: V8 evaluates the condition inside the frame that hits it, which gives us
 * either a door to its scope or just the knowledge that this code ran. Measured on Node 20 to 26, see
 * docs/notes/scope-binding.md.
 */
export class Sentries {
  readonly #debugger: DebuggerSession;
  readonly #visits: Visits;
  readonly #posted = new Map<string, Sentry>();

  constructor(session: DebuggerSession, visits: Visits) {
    this.#debugger = session;
    this.#visits = visits;
  }

  /**
   * Calls `visitor` at the next calls of the function whose body is at this place, inside the call, before its first
   * statement. Returns how to stop; null if V8 has no stop there. All who wait at one place share its breakpoint: V8
   * refuses a second one.
   */
  post(start: Location, visitor: Visitor): (() => void) | null {
    const { locations } = this.#debugger.post<{ locations: Location[] }>('Debugger.getPossibleBreakpoints', {
      start,
      restrictToFunction: true,
    });
    const place = locations[0];
    if (!place) return null;
    const key = `${place.scriptId}:${place.lineNumber}:${place.columnNumber}`;
    const sentry = this.#posted.get(key) ?? this.#place(key, place);
    sentry.visitors.add(visitor);
    return () => {
      sentry.visitors.delete(visitor);
      if (sentry.visitors.size > 0 || this.#posted.get(key) !== sentry) return;
      this.#forget(key, sentry);
      try {
        this.#debugger.post('Debugger.removeBreakpoint', { breakpointId: sentry.breakpointId });
      } catch {
        // The session was closed, and every breakpoint of it went with it.
      }
    };
  }

  /** A live edit drops every breakpoint of the script (measured): what stood there is to be posted again. */
  lostIn(scriptId: string): void {
    for (const [key, sentry] of this.#posted) if (sentry.scriptId === scriptId) this.#forget(key, sentry);
  }

  #place(key: string, location: Location): Sentry {
    const visitors = new Set<Visitor>();
    const id = this.#visits.add(visitors);
    const { breakpointId } = this.#debugger.post<{ breakpointId: string }>('Debugger.setBreakpoint', {
      location,
      condition: condition(id),
    });
    const sentry = { id, scriptId: location.scriptId, breakpointId, visitors };
    this.#posted.set(key, sentry);
    return sentry;
  }

  #forget(key: string, sentry: Sentry): void {
    this.#posted.delete(key);
    this.#visits.remove(sentry.id);
  }
}

/** The doors that are open, and those that are waited for. */
export class Doors {
  readonly #sentries: Sentries;
  readonly #debugger: DebuggerSession;
  /** By script URL, then by the baseline offset of the function the door was opened in. */
  readonly #open = new Map<string, Map<number, Door>>();
  readonly #waits = new Set<DoorWait>();

  constructor(session: DebuggerSession, sentries: Sentries) {
    this.#debugger = session;
    this.#sentries = sentries;
  }

  /** An open door at one of these sites. */
  find(url: string, sites: readonly DoorSite[]): Door | null {
    const doors = this.#open.get(url);
    if (!doors) return null;
    for (const { offset } of sites) {
      const door = doors.get(offset);
      if (door) return door;
    }
    return null;
  }

  /**
   * Calls `opened` once a call has opened a door at one of the sites; it runs inside that call. Returns how to stop
   * waiting, or null if no site can be watched.
   */
  wait(script: LoadedScript, sites: readonly DoorSite[], opened: () => void): (() => void) | null {
    const wait: DoorWait = { script, sites, opened, stops: [], release: this.#debugger.hold() };
    this.#waits.add(wait);
    try {
      this.#arm(wait);
    } catch (error) {
      this.#stop(wait);
      throw error;
    }
    if (wait.stops.length === 0) {
      this.#stop(wait);
      return null;
    }
    return () => this.#stop(wait);
  }

  /** Watches again after a live edit of the script. */
  rearm(script: LoadedScript): void {
    this.#sentries.lostIn(script.scriptId);
    for (const wait of this.#waits) if (wait.script === script) this.#arm(wait);
  }

  /** Lets go of the scopes of a script that holds no patch: a door keeps the frame alive that it was opened in. */
  forget(url: string): void {
    this.#open.delete(url);
  }

  #arm(wait: DoorWait): void {
    wait.stops = [];
    for (const { offset } of wait.sites) {
      const at = wait.script.currentOffset(offset);
      if (at === null) continue;
      const stop = this.#sentries.post(wait.script.location(at), (door) => {
        const doors = this.#open.get(wait.script.url) ?? new Map<number, Door>();
        this.#open.set(wait.script.url, doors);
        if (!doors.has(offset)) doors.set(offset, door);
        this.#stop(wait);
        wait.opened();
      });
      if (stop) wait.stops.push(stop);
    }
  }

  #stop(wait: DoorWait): void {
    if (!this.#waits.delete(wait)) return;
    for (const stop of wait.stops) stop();
    wait.release();
  }
}

interface DoorWait {
  readonly script: LoadedScript;
  readonly sites: readonly DoorSite[];
  readonly opened: () => void;
  stops: (() => void)[];
  readonly release: () => void;
}

/** False, so that V8 never pauses. An error in it is swallowed by V8 and counts as false as well. */
function condition(id: number): string {
  const agent = `globalThis[Symbol.for(${JSON.stringify(AGENT_KEY)})]`;
  return `(${agent}.visited(${id},(hotpatch$code)=>eval(hotpatch$code)),false)`;
}
