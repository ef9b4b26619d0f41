import { setTimeout as delay } from 'node:timers/promises';
import {
  CODES,
  PROTOCOL_VERSION,
  type Code,
  type Descriptor,
  type InstallOptions,
  type InstallResult,
} from '../../agent/protocol.ts';
import { HotPatchError } from '../patch/error.ts';
import { closeNowOrLater, closeWhenPossible, openAt } from './closeInspector.ts';
import { descriptorPath, newToken } from './descriptor.ts';
import { pipePath, privateFolder } from './folder.ts';
import {
  EvaluationFailed,
  InspectorClient,
  InspectorLost,
  InspectorTimeout,
  NoInspector,
} from './inspector.ts';
import { clearMark, markOf, markOpened } from './openedMark.ts';
import { describeProcess, hasEnded, processSource } from './processes/find.ts';
import {
  formatEndpoint,
  loopbackOf,
  parseEndpoint,
  type Endpoint,
  type NodeProcess,
} from './processes/process.ts';

/** How long the target may take for one step by default, in ms. */
const STEP_LIMIT_MS = 5000;

/** The agent closes the inspector by itself this many ms after entry, should we die before we ask it to. */
const CLOSE_AFTER_MS = 3000;

/** How long port 9229 may be held before it counts as taken, in ms. */
const PORT_WAIT_MS = 1000;

/** How long after its sockets a process that is ending may go itself, in ms. */
const ENDING_MS = 200;

/** The oldest Node that works, see ARCHITECTURE.md. */
const OLDEST_NODE = 20;

export interface EnterOptions {
  /** The text of dist/agent.js: one expression, whose value has `install(options: InstallOptions): InstallResult`. */
  readonly agentSource: string;
  readonly signal?: AbortSignal | undefined;
  /** ms for each step the target has a part in; 5000 when not said. */
  readonly limitMs?: number | undefined;
}

export interface Entered {
  readonly descriptor: Descriptor;
  /** The inspector that we opened and that has to be closed again; null when it was open before. */
  readonly opened: Endpoint | null;
}

/**
 * Puts the agent into a process, through its open inspector or one opened for it. The caller holds the entry lock.
 * Throws portTaken, inspectorClosed, wrongProcess, processEnded, processBusy, nodeTooOld, installFailed, whatever code
 * the agent refuses with, and the reason of `signal`. Whenever it throws, an inspector opened by it is closed again;
 * where the process is too busy for that, as soon as it is free.
 */
export async function enter(target: NodeProcess, options: EnterOptions): Promise<Entered> {
  try {
    return await tryToEnter(target, options);
  } catch (error) {
    // A process that was too busy when another client gave up closes its inspector when it gets round to it: once.
    if (!(error instanceof InspectorLost)) throw error;
  }
  try {
    return await tryToEnter(await describeProcess(target.pid), options);
  } catch (error) {
    throw error instanceof InspectorLost ? installFailed(target, error) : error;
  }
}

async function tryToEnter(target: NodeProcess, options: EnterOptions): Promise<Entered> {
  const { signal, limitMs = STEP_LIMIT_MS } = options;
  const { pid } = target;
  signal?.throwIfAborted();
  refuseOldNode(pid, target.node);
  const folder = await privateFolder();
  const { endpoint, byUs } = await reachInspector(target, folder, { signal, limitMs });
  try {
    const descriptor = await throughInspector(target, endpoint, { ...options, folder, byUs, limitMs });
    return { descriptor, opened: byUs ? endpoint : null };
  } catch (error) {
    if (byUs) await closeNowOrLater(target, folder, endpoint);
    signal?.throwIfAborted();
    // An ending process loses its sockets first.
    const lost = error instanceof InspectorLost || error instanceof NoInspector;
    if (await hasEnded(pid, target.startTime, lost ? ENDING_MS : 0)) throw ended(target, error);
    throw inWords(error, target, endpoint, limitMs);
  }
}

// ---- the open inspector -----------------------------------------------------------------------------------------------

interface Limits {
  readonly signal: AbortSignal | undefined;
  readonly limitMs: number;
}

async function reachInspector(
  target: NodeProcess,
  folder: string,
  limits: Limits,
): Promise<{ endpoint: Endpoint; byUs: boolean }> {
  const { pid, startTime, inspector } = target;
  const source = processSource();
  const facts = await source.facts(pid);
  if (facts === null || facts.startTime !== startTime) throw ended(target);
  const obstacle = await source.obstacle(facts);
  // A stopped process would obey a signal when it is continued, with nobody left to close what it opens.
  if (obstacle?.kind === 'stopped') throw new HotPatchError(CODES.processStopped, { pid });
  // A client that was killed may have left it open, perhaps where nobody would look; then it is ours to close.
  const mark = await markOf(folder, pid, startTime);
  const left = mark === null ? null : await openAt(pid, mark.port);
  if (left !== null) return { endpoint: left, byUs: true };
  if (inspector !== null) return { endpoint: parseEndpoint(inspector), byUs: false };
  if (obstacle !== null) throw new HotPatchError(CODES.inspectorClosed, { pid, reason: obstacle.reason });
  await refuseTakenPort(target, limits.signal);
  const endpoint = await openInspector(target, folder, limits);
  if (endpoint.port !== target.inspectorWouldOpen.port) await markOpened(folder, target, endpoint.port);
  return { endpoint, byUs: true };
}

/** Another user's client may be entering a process just now, which takes it about 100 ms; so wait a little. */
async function refuseTakenPort(
  { pid, inspectorWouldOpen }: NodeProcess,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (inspectorWouldOpen.port === 0) return;
  const deadline = Date.now() + PORT_WAIT_MS;
  for (;;) {
    const holder = await processSource().holder(inspectorWouldOpen);
    if (holder === null) return;
    signal?.throwIfAborted();
    if (Date.now() > deadline) {
      const words =
        holder.pid === null
          ? 'a process of another user'
          : `process ${holder.pid} (${holder.command ?? '?'})`;
      throw new HotPatchError(CODES.portTaken, { pid, port: inspectorWouldOpen.port, holder: words });
    }
    await delay(50);
  }
}

async function openInspector(
  target: NodeProcess,
  folder: string,
  { signal, limitMs }: Limits,
): Promise<Endpoint> {
  const source = processSource();
  const { pid, startTime, inspectorWouldOpen: expected } = target;
  const before = new Set((await source.listening(pid)).map(formatEndpoint));
  await markOpened(folder, target, expected.port);
  // As late as possible: from here on the pid had better be the same process.
  if ((await source.startTime(pid)) !== startTime) {
    await clearMark(folder, pid);
    throw ended(target);
  }
  source.requestInspector(pid);

  const deadline = Date.now() + limitMs;
  while (Date.now() < deadline) {
    const listening = await source.listening(pid);
    const wanted = listening.find(({ port }) => port === expected.port);
    if (wanted) return wanted;
    // `--inspect-port=0`, or flags lost to process.title: the socket that was not there before. Where a port is
    // expected that is the last guess: a program that is just starting opens sockets of its own.
    const mayGuess = expected.port === 0 || Date.now() > deadline - limitMs / 2;
    const fresh = listening.find((one) => !before.has(formatEndpoint(one)) && isLoopback(one));
    if (mayGuess && fresh) return fresh;
    if ((await source.startTime(pid)) !== startTime) {
      await clearMark(folder, pid);
      throw ended(target);
    }
    if (signal?.aborted === true) {
      closeWhenPossible(target, folder, 'unreached');
      signal.throwIfAborted();
    }
    await delay(10);
  }
  await refuseTakenPort(target, signal); // somebody may have been faster
  // It may still open it, with nobody here any more.
  closeWhenPossible(target, folder, 'unreached');
  if ((await source.idle(pid)) !== true) throw new HotPatchError(CODES.processBusy, { pid, ms: limitMs });
  // Measured: a process inside execSync looks idle too, and opens its inspector afterwards.
  const reason = 'it handles SIGUSR1 itself, or is waiting for a child process';
  throw new HotPatchError(CODES.inspectorClosed, { pid, reason });
}

function isLoopback({ host }: Endpoint): boolean {
  return host === '127.0.0.1' || host === '::1';
}

// ---- through it ---------------------------------------------------------------------------------------------------------

/** Answered by the event loop itself: a busy one could take the agent in, but would not let anybody talk to it. */
const WHO = `new Promise((resolve) => {
  const builtin = (name) => process.getBuiltinModule ? process.getBuiltinModule(name) : require(name);
  builtin('node:timers').setImmediate(() => resolve({ pid: process.pid, node: process.versions.node }));
})`;

interface Way extends EnterOptions {
  readonly folder: string;
  readonly byUs: boolean;
  readonly limitMs: number;
}

async function throughInspector(target: NodeProcess, endpoint: Endpoint, way: Way): Promise<Descriptor> {
  const { pid, startTime } = target;
  const { folder, signal, limitMs } = way;
  const client = await InspectorClient.connect(loopbackOf(endpoint), { limitMs, signal });
  try {
    const who = (await client.evaluate(WHO, { limitMs, signal })) as
      { pid?: number; node?: string } | undefined;
    if (who?.pid !== pid) {
      throw new HotPatchError(CODES.wrongProcess, { pid, port: endpoint.port, found: who?.pid ?? '?' });
    }
    refuseOldNode(pid, who.node ?? null);

    const options: InstallOptions = {
      pipe: pipePath(folder, pid),
      token: newToken(),
      descriptor: descriptorPath(folder, pid),
      startTime,
      closeInspectorAfterMs: way.byUs ? CLOSE_AFTER_MS : null,
    };
    // The call is on a line of its own: the text ends with its sourceURL comment.
    const expression = `${way.agentSource}\n.install(${JSON.stringify(options)})`;
    const result = (await client.evaluate(expression, { limitMs, signal })) as InstallResult | undefined;
    if (result === undefined) throw new EvaluationFailed('the agent gave no answer');
    if (!result.installed) throw new HotPatchError(result.code as Code, { pid, ...result.data });
    const { pipe, token } = options;
    return { pid, startTime, pipe, token, version: result.version, protocol: PROTOCOL_VERSION };
  } finally {
    await client.close();
  }
}

function refuseOldNode(pid: number, version: string | null): void {
  if (version !== null && parseInt(version, 10) < OLDEST_NODE) {
    throw new HotPatchError(CODES.nodeTooOld, { pid, found: version });
  }
}

function inWords(error: unknown, target: NodeProcess, { port }: Endpoint, limitMs: number): unknown {
  const { pid } = target;
  if (error instanceof InspectorTimeout)
    return new HotPatchError(CODES.processBusy, { pid, ms: limitMs }, { cause: error });
  if (error instanceof NoInspector) {
    const holder = 'the process itself, for something else';
    return new HotPatchError(CODES.portTaken, { pid, port, holder }, { cause: error });
  }
  if (error instanceof HotPatchError || error instanceof InspectorLost) return error;
  return installFailed(target, error);
}

function installFailed({ pid }: NodeProcess, cause: unknown): HotPatchError {
  const reason = cause instanceof Error ? cause.message.split('\n', 1)[0]! : String(cause);
  return new HotPatchError(CODES.installFailed, { pid, reason }, { cause });
}

function ended({ pid }: NodeProcess, cause?: unknown): HotPatchError {
  return new HotPatchError(CODES.processEnded, { pid }, { cause });
}
