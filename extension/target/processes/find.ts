import { setTimeout as delay } from 'node:timers/promises';
import { CODES } from '../../../agent/protocol.ts';
import { HotPatchError } from '../../patch/error.ts';
import { readDescriptor } from '../descriptor.ts';
import { existingPrivateFolder } from '../folder.ts';
import { darwin } from './darwin.ts';
import { isNodeExecutable, nodeFlags } from './flags.ts';
import { linux } from './linux.ts';
import { formatEndpoint, type NodeProcess, type ProcessFacts, type ProcessSource } from './process.ts';
import { windows } from './windows.ts';

/** The port of an inspector that nobody gave another one. */
const INSPECTOR_PORT = 9229;

/** How this machine is asked about its processes. */
export function processSource(): ProcessSource {
  if (process.platform === 'win32') return windows;
  return process.platform === 'darwin' ? darwin : linux;
}

/** The Node processes of this user, our own left out, as they are found. Sends nothing to any of them. */
export async function* findProcesses(): AsyncGenerator<NodeProcess> {
  const source = processSource();
  const folder = await existingPrivateFolder();
  for await (const facts of source.list()) yield nodeProcess(source, facts, folder);
}

/** All of them, lowest pid first. */
export async function listProcesses(): Promise<NodeProcess[]> {
  const found: NodeProcess[] = [];
  for await (const one of findProcesses()) found.push(one);
  return found.sort((a, b) => a.pid - b.pid);
}

/** One process. Throws noSuchProcess, otherUser (even when we are root) or notNode. */
export async function describeProcess(pid: number): Promise<NodeProcess> {
  const source = processSource();
  const facts = Number.isSafeInteger(pid) && pid > 0 ? await source.facts(pid) : null;
  if (facts === null) throw new HotPatchError(CODES.noSuchProcess, { pid });
  if (!facts.ours) throw new HotPatchError(CODES.otherUser, { pid, user: facts.user });
  if (!isNodeExecutable(facts.executable ?? facts.args[0] ?? '')) {
    throw new HotPatchError(CODES.notNode, { pid, command: facts.args.join(' ') });
  }
  return nodeProcess(source, facts, await existingPrivateFolder());
}

/** Whether the process that started then is gone, or goes within `graceMs`. */
export async function hasEnded(pid: number, startTime: string, graceMs: number): Promise<boolean> {
  const deadline = Date.now() + graceMs;
  for (;;) {
    if ((await processSource().startTime(pid)) !== startTime) return true;
    if (Date.now() >= deadline) return false;
    await delay(20);
  }
}

async function nodeProcess(
  source: ProcessSource,
  facts: ProcessFacts,
  folder: string | null,
): Promise<NodeProcess> {
  const flags = nodeFlags(facts.args, facts.nodeOptions);
  const [listening, node, descriptor] = await Promise.all([
    source.listening(facts.pid),
    source.nodeVersion(facts),
    folder === null ? null : readDescriptor(folder, facts.pid, facts.startTime),
  ]);
  const inspector =
    listening.find(({ port }) => port === flags.inspector.port) ??
    listening.find(({ port }) => port === INSPECTOR_PORT);
  return {
    pid: facts.pid,
    command: facts.args.join(' '),
    script: flags.script,
    cwd: facts.cwd,
    node,
    inspector: inspector === undefined ? null : formatEndpoint(inspector),
    inspectorWouldOpen: flags.inspector,
    agent: descriptor !== null,
    startTime: facts.startTime,
    user: facts.user,
  };
}
