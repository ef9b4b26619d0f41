import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CODES } from '../../agent/protocol.ts';
import { HotPatchError } from '../patch/error.ts';
import type { PatchReport } from '../session/report.ts';
import type { Session } from '../session/session.ts';
import { patchRow, patchTable, processRow, processTable, refusalLine, reportText } from './print.ts';
import { HELP, parseCommand, type Command } from './usage.ts';

/** Set by the build from package.json. */
declare const HOTPATCH_VERSION: string;

/** The exit statuses scripts rely on. */
const EXIT = { done: 0, other: 1, usage: 2, refused: 3, unreachable: 4 } as const;

type Status = (typeof EXIT)[keyof typeof EXIT];

/** Runs one command; the answer is the exit status. Errors are on stderr by then. */
async function run(args: readonly string[]): Promise<Status> {
  let command: Command | undefined;
  try {
    command = parseCommand(args);
    return await execute(command);
  } catch (error) {
    return fail(error, command);
  }
}

async function execute(command: Command): Promise<Status> {
  switch (command.name) {
    case 'help':
      out(HELP);
      return EXIT.done;
    case 'version':
      out(`${HOTPATCH_VERSION}\n`);
      return EXIT.done;
    case 'ps': {
      const { listProcesses } = await import('../target/processes/find.ts');
      const rows = (await listProcesses()).map(processRow);
      out(command.json ? json(rows) : processTable(rows));
      return EXIT.done;
    }
    case 'patch':
      return patch(command);
    case 'list':
      return within(command.pid, async (session) => {
        const patches = await session.list();
        out(command.json ? json(patches.map(patchRow)) : patchTable(patches));
        return EXIT.done;
      });
    case 'unload':
      return unload(command);
  }
}

async function patch(command: Extract<Command, { name: 'patch' }>): Promise<Status> {
  return within(command.pid, async (session) => {
    const { functions, allowLiveEdit, waitMs } = command;
    const request = { file: resolve(command.file), functions, allowLiveEdit, waitMs };
    const report = command.dryRun ? await session.dryRun(request) : await session.patch(request);
    out(command.json ? json(report) : reportText(report));
    const refused = report.targets.filter(({ status }) => status === 'refused');
    for (const target of refused) err(refusalLine(target));
    return refused.length > 0 ? EXIT.refused : EXIT.done;
  });
}

async function unload(command: Extract<Command, { name: 'unload' }>): Promise<Status> {
  return within(command.pid, async (session) => {
    const { unloaded, blocked } = await session.unload(command.ids);
    out(
      command.json
        ? json({ unloaded, blocked })
        : unloaded.map((id) => `unloaded ${id.slice(0, 12)}\n`).join(''),
    );
    for (const { id, code, data } of blocked)
      err(`${id.slice(0, 12)}: ${words(new HotPatchError(code as never, data))}\n`);
    if (blocked.length === 0) return EXIT.done;
    return unloaded.length === 0 ? EXIT.refused : EXIT.other;
  });
}

/** Attaches, works, and lets go again. */
async function within(pid: number, work: (session: Session) => Promise<Status>): Promise<Status> {
  const { Session: Attached } = await import('../session/session.ts');
  const session = await Attached.attach(pid, {
    agentSource: readFileSync(join(__dirname, 'agent.js'), 'utf8'),
  });
  try {
    return await work(session);
  } finally {
    session.close();
  }
}

function fail(error: unknown, command: Command | undefined): Status {
  if (!(error instanceof HotPatchError)) {
    err(`${CODES.internal} ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return EXIT.other;
  }
  err(`${words(error)}\n`);
  if (error.code === CODES.usage) return EXIT.usage;
  if (error.code.startsWith('HP1')) return EXIT.unreachable;
  if (error.code.startsWith('HP9')) return EXIT.other;
  if (command?.name === 'patch' && command.json) out(json(refusedReport(error, command)));
  return EXIT.refused;
}

/** A refusal of the file as a whole, in the shape of the contract. */
function refusedReport(error: HotPatchError, command: Extract<Command, { name: 'patch' }>): PatchReport {
  const { code, message, data } = error;
  const line = typeof data['line'] === 'number' ? data['line'] : 1;
  const target = {
    function: '',
    file: resolve(command.file),
    line,
    status: 'refused',
    engine: null,
  } as const;
  return {
    patchId: null,
    pid: command.pid,
    targets: [{ ...target, code, reason: message }],
    ms: { compile: 0, plan: 0, apply: 0, pause: 0 },
  };
}

function words({ code, message }: HotPatchError): string {
  return `${code} ${message}`;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function out(text: string): void {
  process.stdout.write(text);
}

function err(text: string): void {
  process.stderr.write(text);
}

void run(process.argv.slice(2)).then((status) => {
  process.exitCode = status;
});
