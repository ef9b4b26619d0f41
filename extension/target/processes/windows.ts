import { nodeFlags, isNodeExecutable } from './flags.ts';
import { versionOfExecutable } from './nodeVersion.ts';
import { isPortTaken } from './portProbe.ts';
import { collides, type Endpoint, type ProcessFacts, type ProcessSource } from './process.ts';
import { run } from './run.ts';

/**
 * Windows: everything from CIM, through the PowerShell that comes with it (5.1). A run takes about half a second, so
 * every question is one run. Not to be learned there: the working folder and NODE_OPTIONS of another process.
 */
export const windows: ProcessSource = {
  async *list() {
    for (const facts of parseProcesses(await powershell(processes("Name LIKE 'node%'")))) {
      if (facts.pid === process.pid || !facts.ours || !isNodeExecutable(facts.executable ?? '')) continue;
      yield facts;
    }
  },

  async facts(pid) {
    return parseProcesses(await powershell(processes(`ProcessId = ${pid}`)))[0] ?? null;
  },

  async startTime(pid) {
    return (await windows.facts(pid))?.startTime ?? null;
  },

  async listening(pid) {
    return parseSockets(await powershell(sockets(`-OwningProcess ${pid}`))).map(({ host, port }) => ({
      host,
      port,
    }));
  },

  async holder(endpoint) {
    const all = parseSockets(await powershell(sockets(`-LocalPort ${endpoint.port}`)));
    const found = all.find((socket) => collides(socket, endpoint));
    if (found === undefined) return (await isPortTaken(endpoint)) ? { pid: null, command: null } : null;
    const facts = await windows.facts(found.pid);
    return { pid: found.pid, command: facts?.args.join(' ') ?? null };
  },

  obstacle(facts) {
    const { refuses } = nodeFlags(facts.args, facts.nodeOptions);
    return Promise.resolve(
      refuses === null ? null : { kind: 'refuses', reason: `it was started with ${refuses}` },
    );
  },

  requestInspector(pid) {
    // Never process.kill: on Windows any signal ends the process. This starts a thread in it that Node prepared
    // (src/inspector_agent.cc, RegisterDebugSignalHandler), and throws when it prepared none.
    (process as unknown as { _debugProcess(pid: number): void })._debugProcess(pid);
  },

  idle() {
    return Promise.resolve(null);
  },

  nodeVersion(facts) {
    return facts.executable === null ? Promise.resolve(null) : versionOfExecutable(facts.executable);
  },
};

function powershell(script: string): Promise<string> {
  const utf8 = '[Console]::OutputEncoding = [Text.Encoding]::UTF8; ';
  return run('powershell.exe', ['-NoProfile', '-NonInteractive', '-Command', utf8 + script]);
}

/** Owners as security identifiers, since names may be translated or equal in two domains. */
function processes(filter: string): string {
  return [
    '$me = [Security.Principal.WindowsIdentity]::GetCurrent().User.Value;',
    `ConvertTo-Json -Compress @(Get-CimInstance Win32_Process -Filter "${filter}" | ForEach-Object {`,
    '$sid = (Invoke-CimMethod -InputObject $_ -MethodName GetOwnerSid -ErrorAction SilentlyContinue).Sid;',
    '$owner = (Invoke-CimMethod -InputObject $_ -MethodName GetOwner -ErrorAction SilentlyContinue).User;',
    '@{ pid = $_.ProcessId; path = $_.ExecutablePath; command = $_.CommandLine; name = $_.Name;',
    'started = $_.CreationDate.ToUniversalTime().ToString("o"); user = $owner; ours = ($sid -eq $me) } })',
  ].join(' ');
}

function sockets(which: string): string {
  return (
    `ConvertTo-Json -Compress @(Get-NetTCPConnection -State Listen ${which} -ErrorAction SilentlyContinue | ` +
    'ForEach-Object { @{ host = $_.LocalAddress; port = $_.LocalPort; pid = $_.OwningProcess } })'
  );
}

/** The output of the `processes` script. PowerShell 5.1 writes a list of one as its element. */
export function parseProcesses(json: string): ProcessFacts[] {
  return rows(json).map((row) => {
    const command = typeof row['command'] === 'string' ? row['command'] : String(row['name']);
    return {
      pid: Number(row['pid']),
      args: splitCommandLine(command),
      executable: typeof row['path'] === 'string' ? row['path'] : null,
      user: typeof row['user'] === 'string' ? row['user'] : 'unknown',
      ours: row['ours'] === true,
      startTime: String(row['started']),
      cwd: null,
      nodeOptions: null,
    };
  });
}

/** The output of the `sockets` script. */
export function parseSockets(json: string): (Endpoint & { pid: number })[] {
  return rows(json).map((row) => ({
    host: String(row['host']),
    port: Number(row['port']),
    pid: Number(row['pid']),
  }));
}

function rows(json: string): Record<string, unknown>[] {
  try {
    const value = JSON.parse(json) as Record<string, unknown> | Record<string, unknown>[];
    return Array.isArray(value) ? value : [value];
  } catch {
    return []; // PowerShell writes nothing for an empty list
  }
}

/** As CommandLineToArgvW does: quotes hold together; backslashes count only before a quote. */
export function splitCommandLine(line: string): string[] {
  const args: string[] = [];
  let [current, quoted, begun] = ['', false, false];
  for (let at = 0; at < line.length; at++) {
    const backslashes = /^\\+(?=")/.exec(line.slice(at))?.[0].length ?? 0;
    if (backslashes > 0) {
      current += '\\'.repeat(backslashes >> 1);
      at += backslashes;
      if (backslashes % 2 === 1) current += '"';
      else quoted = !quoted;
      begun = true;
    } else if (line[at] === '"') {
      quoted = !quoted;
      begun = true;
    } else if (/\s/.test(line[at]!) && !quoted) {
      if (begun) args.push(current);
      [current, begun] = ['', false];
    } else {
      current += line[at]!;
      begun = true;
    }
  }
  if (begun) args.push(current);
  return args;
}
