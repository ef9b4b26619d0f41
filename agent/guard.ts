import { CODES, type Code, type Details } from './protocol.ts';
import { timers } from './builtins.ts';

/** An expected failure inside the agent; it travels to the client as code and details, never as a throw. */
export class AgentError extends Error {
  readonly code: Code;
  readonly data: Details;

  constructor(code: Code, data: Details = {}) {
    super(code);
    this.code = code;
    this.data = data;
  }
}

/** What a client is told about any failure. An unexpected one gives its message only: a stack may hold user code. */
export function asFailure(error: unknown): { code: Code; data: Details } {
  if (error instanceof AgentError) return { code: error.code, data: error.data };
  return { code: CODES.internal, data: { message: error instanceof Error ? error.message : String(error) } };
}

/**
 * Wraps a callback that the user's process will call (timer, socket event, breakpoint condition): nothing of ours
 * throws into the program, whatever happens.
 */
export function guarded<A extends unknown[]>(callback: (...args: A) => void): (...args: A) => void {
  return (...args) => {
    try {
      callback(...args);
    } catch {
      // Nobody above us is ours. What went wrong shows in the ledger: nothing was marked as done.
    }
  };
}

/** A timer that never keeps the process alive. Returns how to cancel it. */
export function later(ms: number, callback: () => void): () => void {
  const timer = timers.setTimeout(guarded(callback), ms);
  timer.unref();
  return () => timers.clearTimeout(timer);
}
