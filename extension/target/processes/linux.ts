import { readdir, readFile, readlink } from 'node:fs/promises';
import { isNodeExecutable, nodeFlags } from './flags.ts';
import { versionOfExecutable } from './nodeVersion.ts';
import {
  collides,
  type Obstacle,
  type PortHolder,
  type ProcessFacts,
  type ProcessSource,
} from './process.ts';
import { listeningSockets, type ListeningSocket } from './linuxSockets.ts';

/** SIGUSR1 is signal 10 on Linux (x64 and arm64), so bit 9 of the masks in /proc/PID/status. */
const SIGUSR1_BIT = 1n << 9n;

/**
 * Linux: everything from /proc, no child process but for the version of an unusual Node. Where /proc hides a process
 * of another user, what cannot be seen is null.
 */
export const linux: ProcessSource = {
  async *list() {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
    // The newest first: that is what a picker is mostly opened for.
    for (const pid of pids.sort((a, b) => b - a)) {
      if (pid === process.pid) continue;
      // The executable first: it is one call, and nearly every process fails it.
      const executable = await readlink(`/proc/${pid}/exe`).catch(() => null);
      if (executable === null || !isNodeExecutable(executable)) continue;
      const facts = await linux.facts(pid);
      if (facts?.ours === true) yield facts;
    }
  },

  async facts(pid) {
    const [status, startTime] = await Promise.all([statusOf(pid), linux.startTime(pid)]);
    if (status === null || startTime === null) return null;
    const [executable, args, environment, cwd] = await Promise.all([
      readlink(`/proc/${pid}/exe`).catch(() => null),
      readText(`/proc/${pid}/cmdline`),
      readText(`/proc/${pid}/environ`),
      readlink(`/proc/${pid}/cwd`).catch(() => null),
    ]);
    const uid = status.effectiveUid;
    return {
      pid,
      args: args ? args.replace(/\0+$/, '').split('\0') : [status.name],
      executable,
      user: await userName(uid),
      ours: uid === process.geteuid!(),
      startTime,
      cwd,
      nodeOptions:
        environment
          ?.split('\0')
          .find((line) => line.startsWith('NODE_OPTIONS='))
          ?.slice(13) ?? null,
    };
  },

  async startTime(pid) {
    const stat = await readText(`/proc/${pid}/stat`);
    if (stat === null) return null;
    const parsed = parseStat(stat);
    if (parsed === null || parsed.state === 'Z' || parsed.state === 'X') return null;
    // Ticks count from boot, and the private folder may outlive a boot.
    return `${await bootId()}-${parsed.startTicks}`;
  },

  async listening(pid) {
    const [sockets, inodes] = await Promise.all([listeningSockets(pid), socketInodes(pid)]);
    return sockets.filter((socket) => inodes.has(socket.inode)).map(({ host, port }) => ({ host, port }));
  },

  async holder(endpoint) {
    const held = (await listeningSockets('self')).filter((socket) => collides(socket, endpoint));
    if (held.length === 0) return null;
    return (await ownerOf(held)) ?? { pid: null, command: null };
  },

  async obstacle(facts) {
    const status = await statusOf(facts.pid);
    if (status === null) return null;
    if (status.state === 'T' || status.state === 't') return { kind: 'stopped' };
    for (const [kind, words] of [
      ['net', 'it runs in another network namespace, such as a container'],
      ['mnt', 'it sees another file system, such as a container'],
    ] as const) {
      const theirs = await readlink(`/proc/${facts.pid}/ns/${kind}`).catch(() => null);
      const mine = await readlink(`/proc/self/ns/${kind}`).catch(() => null);
      if (theirs !== null && mine !== null && theirs !== mine) return { kind: 'refuses', reason: words };
    }
    return catchesSigusr1(facts);
  },

  requestInspector(pid) {
    process.kill(pid, 'SIGUSR1');
  },

  async idle(pid) {
    const symbol = await readText(`/proc/${pid}/wchan`);
    if (symbol === null || symbol === '' || symbol === '0') return null;
    return /epoll|poll_schedule/.test(symbol);
  },

  nodeVersion(facts) {
    if (facts.executable === null) return Promise.resolve(null);
    // Through /proc, so that an executable replaced on disk since is asked itself.
    return versionOfExecutable(facts.executable.replace(/ \(deleted\)$/, ''), `/proc/${facts.pid}/exe`);
  },
};

/**
 * An uncaught SIGUSR1 ends a process, so its mask of caught signals is read first. Measured: Nodes 20, 22, 24 and 26
 * have the bit; with `--disable-sigusr1`, and in the first milliseconds of a start, it is missing.
 */
async function catchesSigusr1(facts: ProcessFacts): Promise<Obstacle | null> {
  const deadline = Date.now() + 300;
  for (;;) {
    const status = await statusOf(facts.pid);
    if (status === null || (status.caught & SIGUSR1_BIT) !== 0n) return null;
    if (Date.now() > deadline) break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { refuses } = nodeFlags(facts.args, facts.nodeOptions);
  return {
    kind: 'refuses',
    reason: refuses === null ? 'it does not listen to SIGUSR1' : `it was started with ${refuses}`,
  };
}

/** The fields of /proc/PID/stat we need, or null when it is not one. The name in field 2 may hold blanks and brackets. */
export function parseStat(text: string): { state: string; startTicks: string } | null {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state, startTicks] = [fields[0], fields[22 - 3]];
  return state === undefined || startTicks === undefined ? null : { state, startTicks };
}

/** The fields of /proc/PID/status we need. */
export function parseStatus(text: string): {
  name: string;
  state: string;
  effectiveUid: number;
  caught: bigint;
} {
  const field = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(text)?.[1] ?? '';
  return {
    name: field('Name'),
    state: field('State').charAt(0),
    effectiveUid: Number(field('Uid').split(/\s+/)[1] ?? -1),
    caught: BigInt(`0x${field('SigCgt') || '0'}`),
  };
}

async function statusOf(pid: number): Promise<ReturnType<typeof parseStatus> | null> {
  const text = await readText(`/proc/${pid}/status`);
  return text === null ? null : parseStatus(text);
}

async function socketInodes(pid: number | string): Promise<Set<string>> {
  const inodes = new Set<string>();
  const names = await readdir(`/proc/${pid}/fd`).catch(() => []);
  await Promise.all(
    names.map(async (name) => {
      const link = await readlink(`/proc/${pid}/fd/${name}`).catch(() => '');
      const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
      if (inode !== undefined) inodes.add(inode);
    }),
  );
  return inodes;
}

/** Looks through the descriptors of every process we may see. */
async function ownerOf(sockets: readonly ListeningSocket[]): Promise<PortHolder | null> {
  const wanted = new Set(sockets.map((socket) => socket.inode));
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const inodes = await socketInodes(name);
    if (![...inodes].some((inode) => wanted.has(inode))) continue;
    const args = await readText(`/proc/${name}/cmdline`);
    return {
      pid: Number(name),
      command: args === null ? null : args.replace(/\0+$/, '').replaceAll('\0', ' '),
    };
  }
  return null;
}

let boot: Promise<string> | undefined;

function bootId(): Promise<string> {
  boot ??= readText('/proc/sys/kernel/random/boot_id').then((text) => (text ?? 'boot').slice(0, 8));
  return boot;
}

async function userName(uid: number): Promise<string> {
  const lines = (await readText('/etc/passwd'))?.split('\n') ?? [];
  const line = lines.find((entry) => entry.split(':')[2] === String(uid));
  return line?.split(':')[0] ?? String(uid);
}

async function readText(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch(() => null);
}
