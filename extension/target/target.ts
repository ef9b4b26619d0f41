import { setTimeout as delay } from 'node:timers/promises';
import { CODES, type Descriptor } from '../../agent/protocol.ts';
import { HotPatchError } from '../patch/error.ts';
import { closeNowOrLater, closeThroughInspector, openAt, waitUntilClosed } from './closeInspector.ts';
import { AgentConnection } from './connection.ts';
import { readDescriptor, removeDescriptor, sweepFolder } from './descriptor.ts';
import { enter, type EnterOptions } from './entry.ts';
import { acquireEntryLock, type EntryLock } from './entryLock.ts';
import { privateFolder } from './folder.ts';
import { clearMark, markOf, openedMarks } from './openedMark.ts';
import { describeProcess, processSource } from './processes/find.ts';
import type { Endpoint, NodeProcess } from './processes/process.ts';

export type OpenTargetOptions = EnterOptions;

export interface Target {
  readonly process: NodeProcess;
  readonly connection: AgentConnection;
}

/** How long the pipe of an agent that has just been put in may be missing, in ms. */
const PIPE_WAIT_MS = 1000;

/** A mark this old (ms) whose inspector is closed says nothing any more. */
const MARK_LIFE_MS = 600_000;

/**
 * Connects to the agent in process `pid`, putting it in first where it is not. Other clients may do the same at the
 * same time; one enters, the others connect to what it put in.
 * Throws the HP10xx codes of describeProcess, privateFolder, acquireEntryLock, enter and AgentConnection.open, and the
 * reason of `signal`.
 */
export async function openTarget(pid: number, options: OpenTargetOptions): Promise<Target> {
  const { signal } = options;
  const process = await describeProcess(pid);
  const folder = await privateFolder();
  const known = await connectKnown(process, folder, options);
  if (known !== null) {
    // Without the lock the client that opened the inspector may be alive and just about to close it.
    const lock = await tryLock(process, folder);
    if (lock === null) return { process, connection: known };
    return finishForDeadClient(process, folder, known).finally(() => lock.release());
  }

  const lock = await acquireEntryLock(folder, pid, signal === undefined ? {} : { signal });
  try {
    // Another client may have entered while we waited.
    const found = await connectKnown(process, folder, options);
    if (found !== null) return await finishForDeadClient(process, folder, found);
    await closeLeftOpen(folder, pid);
    await sweepFolder(folder);
    return await enterAndConnect(await describeProcess(pid), folder, options);
  } finally {
    lock.release();
  }
}

/** The lock, where there is something to do under it and nobody holds it. */
async function tryLock({ pid, startTime }: NodeProcess, folder: string): Promise<EntryLock | null> {
  if ((await markOf(folder, pid, startTime)) === null) return null;
  return acquireEntryLock(folder, pid, { limitMs: 0 }).catch(() => null);
}

/** A client killed after it put the agent in has not seen the inspector closed; the agent closes it in a while. */
async function finishForDeadClient(
  process: NodeProcess,
  folder: string,
  connection: AgentConnection,
): Promise<Target> {
  const { pid, startTime } = process;
  try {
    const mark = await markOf(folder, pid, startTime);
    const left = mark === null ? null : await openAt(pid, mark.port);
    if (left !== null) await askToClose(process, folder, connection, left);
    else if (mark !== null) await clearMark(folder, pid);
  } catch (error) {
    connection.close();
    throw error;
  }
  return { process: { ...process, agent: true }, connection };
}

async function askToClose(
  process: NodeProcess,
  folder: string,
  connection: AgentConnection,
  opened: Endpoint,
): Promise<void> {
  await connection.request('closeInspector', {});
  if (await waitUntilClosed(process.pid, opened)) await clearMark(folder, process.pid);
  else await closeNowOrLater(process, folder, opened);
}

/** Through the descriptor; null when there is none, or nobody is behind it any more. */
async function connectKnown(
  process: NodeProcess,
  folder: string,
  options: OpenTargetOptions,
): Promise<AgentConnection | null> {
  const descriptor = await readDescriptor(folder, process.pid, process.startTime);
  if (descriptor === null) return null;
  try {
    return await open(descriptor, options);
  } catch (error) {
    if (!HotPatchError.is(error, CODES.agentUnreachable)) throw error;
    await removeDescriptor(folder, process.pid, descriptor);
    return null;
  }
}

async function enterAndConnect(
  process: NodeProcess,
  folder: string,
  options: OpenTargetOptions,
): Promise<Target> {
  const { descriptor, opened } = await enter(process, options);
  const entered = { ...process, agent: true };
  if (opened === null) return { process: entered, connection: await openFresh(descriptor, options) };
  let connection: AgentConnection | undefined;
  try {
    connection = await openFresh(descriptor, options);
    await askToClose(process, folder, connection, opened);
    return { process: entered, connection };
  } catch (error) {
    connection?.close();
    await closeNowOrLater(process, folder, opened);
    throw error;
  }
}

/** The agent's pipe may open a turn of the event loop after the agent is in. */
async function openFresh(descriptor: Descriptor, options: OpenTargetOptions): Promise<AgentConnection> {
  const deadline = Date.now() + PIPE_WAIT_MS;
  for (;;) {
    try {
      return await open(descriptor, options);
    } catch (error) {
      if (!HotPatchError.is(error, CODES.agentUnreachable) || Date.now() > deadline) throw error;
      await delay(20);
    }
  }
}

function open(descriptor: Descriptor, { signal, limitMs }: OpenTargetOptions): Promise<AgentConnection> {
  return AgentConnection.open(descriptor, { signal, helloLimitMs: limitMs });
}

/** Closes inspectors that clients killed in the middle have left open elsewhere: they hold port 9229. */
async function closeLeftOpen(folder: string, exceptPid: number): Promise<void> {
  for (const mark of await openedMarks(folder)) {
    if (mark.pid === exceptPid) continue;
    if ((await processSource().startTime(mark.pid)) !== mark.startTime) {
      await clearMark(folder, mark.pid);
      continue;
    }
    const left = await openAt(mark.pid, mark.port);
    if (left !== null) await closeThroughInspector(folder, mark.pid, left);
    else if (Date.now() - mark.at > MARK_LIFE_MS) await clearMark(folder, mark.pid);
  }
}
