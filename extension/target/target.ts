import { setTimeout as delay } from 'node:timers/promises';
import { CODES, type Descriptor } from '../../agent/protocol.ts';
import { HotPatchError } from '../patch/error.ts';
import { closeNowOrLater, closeThroughInspector, waitUntilClosed } from './closeInspector.ts';
import { AgentConnection } from './connection.ts';
import { readDescriptor, removeDescriptor, sweepFolder } from './descriptor.ts';
import { enter, type EnterOptions } from './entry.ts';
import { acquireEntryLock } from './entryLock.ts';
import { privateFolder } from './folder.ts';
import { clearMark, isMarked, openedMarks } from './openedMark.ts';
import { describeProcess, processSource } from './processes/find.ts';
import { parseEndpoint, type Endpoint, type NodeProcess } from './processes/process.ts';

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
    await finishForDeadClient(process, folder, known);
    return { process, connection: known };
  }

  const lock = await acquireEntryLock(folder, pid, signal === undefined ? {} : { signal });
  try {
    // Another client may have entered while we waited.
    const found = await connectKnown(process, folder, options);
    if (found !== null) return { process, connection: found };
    await closeLeftOpen(folder, pid);
    await sweepFolder(folder);
    return await enterAndConnect(await describeProcess(pid), folder, options);
  } finally {
    lock.release();
  }
}

/** A client that was killed after it put the agent in has not seen the inspector closed; the agent closes it by itself. */
async function finishForDeadClient(
  process: NodeProcess,
  folder: string,
  connection: AgentConnection,
): Promise<void> {
  if (!(await isMarked(folder, process.pid, process.startTime))) return;
  // Without the lock the mark's owner may be alive and just about to do so.
  const lock = await acquireEntryLock(folder, process.pid, { limitMs: 0 }).catch(() => null);
  if (lock === null) return;
  try {
    const { inspector } = await describeProcess(process.pid);
    if (inspector === null) await clearMark(folder, process.pid);
    else await askToClose(process, folder, connection, parseEndpoint(inspector));
  } finally {
    lock.release();
  }
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
  if (opened === null) return { process, connection: await openFresh(descriptor, options) };
  let connection: AgentConnection | undefined;
  try {
    connection = await openFresh(descriptor, options);
    await askToClose(process, folder, connection, opened);
    return { process: { ...process, agent: true }, connection };
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
  const source = processSource();
  for (const mark of await openedMarks(folder)) {
    if (mark.pid === exceptPid) continue;
    const process = await describeProcess(mark.pid).catch(() => null);
    if (process === null || process.startTime !== mark.startTime) {
      await clearMark(folder, mark.pid);
      continue;
    }
    const { port } = process.inspectorWouldOpen;
    const left = (await source.listening(mark.pid)).find((one) => one.port === port);
    if (left !== undefined) await closeThroughInspector(folder, mark.pid, left);
    else if (Date.now() - mark.at > MARK_LIFE_MS) await clearMark(folder, mark.pid);
  }
}
