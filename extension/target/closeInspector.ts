import { setTimeout as delay } from 'node:timers/promises';
import { acquireEntryLock } from './entryLock.ts';
import { InspectorClient } from './inspector.ts';
import { clearMark, markOf } from './openedMark.ts';
import { processSource } from './processes/find.ts';
import { loopbackOf, type Endpoint, type NodeProcess } from './processes/process.ts';

/**
 * Runs in the target, from its event loop, after that has polled once more. Measured on Node 20, 22, 24 and 26:
 * `inspector.close()` disconnects every client and waits for none, so that none can hold the process. And a process
 * that was busy when SIGUSR1 came opens its inspector twice, at an interrupt of the running code and when it next
 * polls, so that a close in between would be undone.
 */
const CLOSE = `{
  const builtin = (name) => process.getBuiltinModule ? process.getBuiltinModule(name) : require(name);
  const { close } = builtin('node:inspector');
  const { setImmediate: soon } = builtin('node:timers');
  soon(() => soon(() => { try { close(); } catch {} }));
}`;

/** How long one step of closing may take, in ms. */
const STEP_MS = 1000;

/** How long after that the port may stay open, in ms. */
const CLOSED_MS = 500;

/**
 * Closes the inspector of `pid` through the inspector itself, for when no agent of ours can do it, and clears the mark
 * when it is closed. Never rejects. Resolves with `ordered` when the process has been told and is too busy to obey: it
 * will when its loop is free again, though nobody listens any more (measured with a busy loop, a regular expression
 * and Atomics.wait); with `unreached` when it could not be told.
 */
export async function closeThroughInspector(
  folder: string,
  pid: number,
  endpoint: Endpoint,
): Promise<'closed' | 'ordered' | 'unreached'> {
  let told = false;
  try {
    const client = await InspectorClient.connect(loopbackOf(endpoint), { limitMs: STEP_MS });
    told = true;
    try {
      await client.evaluate(CLOSE, { limitMs: STEP_MS });
      // Not we end the session but the target: see InspectorClient.close.
      await client.ended(STEP_MS);
    } finally {
      await client.close();
    }
  } catch {
    // Busy, closing already, or gone: what counts is whether it still listens.
  }
  if (await waitUntilClosed(pid, endpoint)) {
    await clearMark(folder, pid);
    return 'closed';
  }
  return told ? 'ordered' : 'unreached';
}

/** The same; what cannot be done now is seen to later. */
export async function closeNowOrLater(
  target: NodeProcess,
  folder: string,
  endpoint: Endpoint,
): Promise<void> {
  const result = await closeThroughInspector(folder, target.pid, endpoint);
  if (result !== 'closed') closeWhenPossible(target, folder, result);
}

/** Resolves with true as soon as `pid` does not listen there (an ended process does not), with false after a while. */
export async function waitUntilClosed(pid: number, endpoint: Endpoint): Promise<boolean> {
  const deadline = Date.now() + CLOSED_MS;
  for (;;) {
    if ((await openAt(pid, endpoint.port)) === null) return true;
    if (Date.now() > deadline) return false;
    await delay(10);
  }
}

/** How often (ms) and how many times a process that was busy is looked at again. */
const LOOK_MS = 500;
const LOOKS = 600;

/** After how many looks a process that was told is told again. */
const PATIENCE = 20;

/**
 * For a process too busy to close its inspector (`ordered`) or to open it yet (`unreached`): sees to it later, as long
 * as this client lives, which is not kept alive for that. Should it die first, the mark tells the next client.
 */
export function closeWhenPossible(
  { pid, startTime }: NodeProcess,
  folder: string,
  done: 'ordered' | 'unreached',
): void {
  let state = done;
  let looks = 0;
  const look = async (): Promise<void> => {
    const mark = await markOf(folder, pid, startTime);
    if (mark === null) return; // another client has seen to it
    if ((await processSource().startTime(pid)) !== startTime) return clearMark(folder, pid);
    const open = await openAt(pid, mark.port);
    if (open === null && state === 'ordered') return clearMark(folder, pid);
    if (looks % PATIENCE === 0) state = 'unreached';
    if (open !== null && state === 'unreached') {
      const lock = await acquireEntryLock(folder, pid, { limitMs: 0 });
      try {
        const result = await closeThroughInspector(folder, pid, open);
        if (result === 'closed') return;
        state = result;
      } finally {
        lock.release();
      }
    }
    again();
  };
  const again = (): void => {
    if (++looks <= LOOKS) setTimeout(() => void look().catch(again), LOOK_MS).unref();
  };
  again();
}

/** The socket on which `pid` listens at this port, null when it does not. */
export async function openAt(pid: number, port: number): Promise<Endpoint | null> {
  return (await processSource().listening(pid)).find((one) => one.port === port) ?? null;
}
