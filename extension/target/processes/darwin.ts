import { isNodeExecutable, nodeFlags } from './flags.ts';
import { versionOfExecutable } from './nodeVersion.ts';
import { isPortTaken } from './portProbe.ts';
import { collides, type Endpoint, type ProcessFacts, type ProcessSource } from './process.ts';
import { run } from './run.ts';

/** `comm` is the path of the executable on macOS, blanks and all, so it comes last; so do the arguments, in a run of their own. */
const COLUMNS = 'pid=,uid=,user=,state=,lstart=,comm=';

/** macOS: everything from ps(1) and lsof(8), which come with it. */
export const darwin: ProcessSource = {
  async *list() {
    const [table, args] = await Promise.all([
      run('ps', ['-axww', '-o', COLUMNS]),
      run('ps', ['-axww', '-o', 'pid=,args=']),
    ]);
    const commands = parseArgs(args);
    for (const row of parseTable(table)) {
      if (row.pid === process.pid || row.uid !== process.geteuid!() || !isNodeExecutable(row.executable))
        continue;
      yield factsOf(row, commands.get(row.pid) ?? row.executable);
    }
  },

  async facts(pid) {
    const [row] = parseTable(await run('ps', ['-ww', '-o', COLUMNS, '-p', String(pid)]));
    if (row === undefined || row.state.startsWith('Z')) return null;
    const args = parseArgs(await run('ps', ['-ww', '-o', 'pid=,args=', '-p', String(pid)])).get(pid);
    return factsOf(row, args ?? row.executable);
  },

  async startTime(pid) {
    const [row] = parseTable(await run('ps', ['-ww', '-o', COLUMNS, '-p', String(pid)]));
    return row === undefined || row.state.startsWith('Z') ? null : row.started;
  },

  async listening(pid) {
    const output = await run('lsof', ['-a', '-nP', '-iTCP', '-sTCP:LISTEN', '-p', String(pid), '-Fpctn']);
    return parseSockets(output).map(({ host, port }) => ({ host, port }));
  },

  async holder(endpoint) {
    const output = await run('lsof', ['-nP', `-iTCP:${endpoint.port}`, '-sTCP:LISTEN', '-Fpctn']);
    const found = parseSockets(output).find((socket) => collides(socket, endpoint));
    if (found) return { pid: found.pid, command: found.command };
    // lsof shows other users' sockets to root only.
    return (await isPortTaken(endpoint)) ? { pid: null, command: null } : null;
  },

  async obstacle(facts) {
    const [row] = parseTable(await run('ps', ['-ww', '-o', COLUMNS, '-p', String(facts.pid)]));
    if (row?.state.startsWith('T') === true) return { kind: 'stopped' };
    const { refuses } = nodeFlags(facts.args, facts.nodeOptions);
    if (refuses !== null) return { kind: 'refuses', reason: `it was started with ${refuses}` };
    // ps does not tell which signals a process catches, and an uncaught SIGUSR1 ends it: its flags must be readable.
    if (!isNodeExecutable(facts.args[0] ?? '')) {
      return { kind: 'refuses', reason: 'its process.title hides whether it listens to SIGUSR1' };
    }
    return null;
  },

  requestInspector(pid) {
    process.kill(pid, 'SIGUSR1');
  },

  idle() {
    return Promise.resolve(null);
  },

  nodeVersion(facts) {
    return facts.executable === null ? Promise.resolve(null) : versionOfExecutable(facts.executable);
  },
};

interface Row {
  readonly pid: number;
  readonly uid: number;
  readonly user: string;
  readonly state: string;
  readonly started: string;
  readonly executable: string;
}

async function factsOf(row: Row, command: string): Promise<ProcessFacts> {
  const [folders, environment] = await Promise.all([
    run('lsof', ['-a', '-d', 'cwd', '-p', String(row.pid), '-Fn']),
    run('ps', ['-Eww', '-o', 'command=', '-p', String(row.pid)]),
  ]);
  return {
    pid: row.pid,
    // ps joins arguments by blanks; where one holds a blank, only the words for the user suffer.
    args: command.split(' ').filter((word) => word !== ''),
    executable: row.executable,
    user: row.user,
    ours: row.uid === process.geteuid!(),
    startTime: row.started,
    cwd: parseWorkingFolder(folders),
    nodeOptions: parseNodeOptions(environment, command),
  };
}

/** Rows of `ps -o pid=,uid=,user=,state=,lstart=,comm=`. */
export function parseTable(text: string): Row[] {
  const rows: Row[] = [];
  for (const line of text.split('\n')) {
    const match =
      /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\S+)\s+(\w{3}\s+\w{3}\s+\d+\s+\d\d:\d\d:\d\d\s+\d{4})\s+(.+?)\s*$/.exec(
        line,
      );
    if (!match) continue;
    const [, pid, uid, user, state, started, executable] = match as unknown as [string, ...string[]];
    rows.push({
      pid: Number(pid),
      uid: Number(uid),
      user: user!,
      state: state!,
      started: started!.replace(/\s+/g, ' '),
      executable: executable!,
    });
  }
  return rows;
}

/** Rows of `ps -o pid=,args=`, by pid. */
export function parseArgs(text: string): Map<number, string> {
  return new Map(
    text.split('\n').flatMap((line) => {
      const match = /^\s*(\d+)\s(.*)$/.exec(line);
      return match ? [[Number(match[1]), match[2]!.trim()]] : [];
    }),
  );
}

/** NODE_OPTIONS from `ps -E -o command=`, which prints the environment behind the arguments, all joined by blanks. */
export function parseNodeOptions(text: string, command: string): string | null {
  const environment = text.trim().startsWith(command) ? text.trim().slice(command.length) : text;
  return / NODE_OPTIONS=(.*?)(?= [A-Za-z_]\w*=|$)/.exec(environment.trimEnd())?.[1] ?? null;
}

/** The folder in the output of `lsof -d cwd -Fn`. */
export function parseWorkingFolder(text: string): string | null {
  return /^fcwd\n(?:.*\n)*?n(.+)$/m.exec(text)?.[1] ?? null;
}

/** The sockets in the output of `lsof -Fpctn`: one field per line, `p` begins a process, `f` a descriptor. */
export function parseSockets(text: string): (Endpoint & { pid: number; command: string })[] {
  const found: (Endpoint & { pid: number; command: string })[] = [];
  let [pid, command, type] = [0, '', ''];
  for (const line of text.split('\n')) {
    const value = line.slice(1);
    if (line.startsWith('p')) pid = Number(value);
    if (line.startsWith('c')) command = value;
    if (line.startsWith('t')) type = value;
    const match = line.startsWith('n') ? /^(?:\[(.+)\]|(.+)):(\d+)$/.exec(value) : null;
    if (!match) continue;
    const host = match[1] ?? match[2]!;
    const any = type === 'IPv6' ? '::' : '0.0.0.0';
    found.push({ pid, command, host: host === '*' ? any : host, port: Number(match[3]) });
  }
  return found;
}
