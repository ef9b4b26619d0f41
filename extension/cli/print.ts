import type { PatchState } from '../../agent/protocol.ts';
import { describeOutcome, explain } from '../patch/catalogue.ts';
import type { FunctionReport, PatchReport } from '../session/report.ts';
import type { NodeProcess } from '../target/processes/process.ts';

/** The contract of `hotpatch ps --json`. */
export interface ProcessRow {
  readonly pid: number;
  readonly command: string;
  readonly cwd: string | null;
  readonly node: string | null;
  /** `127.0.0.1:9229`, or null while it is closed. */
  readonly inspector: string | null;
  readonly agent: boolean;
}

/** The contract of `hotpatch list --json`, one per patch, oldest first. */
export interface PatchRow {
  readonly id: string;
  readonly title: string;
  /** ISO 8601. */
  readonly loadedAt: string;
  readonly functions: readonly {
    readonly function: string;
    readonly file: string;
    readonly line: number;
    readonly status: string;
    readonly engine: string;
    readonly code: string | null;
    readonly reason: string | null;
  }[];
}

export function processRow({ pid, command, cwd, node, inspector, agent }: NodeProcess): ProcessRow {
  return { pid, command, cwd, node, inspector, agent };
}

export function patchRow({ id, title, loadedAt, functions, unloadBlocked }: PatchState): PatchRow {
  return {
    id,
    title,
    loadedAt: new Date(loadedAt).toISOString(),
    functions: functions.map(({ function: name, file, line, engine, outcome }) => {
      const problem = outcome.status === 'applied' ? unloadBlocked : outcome;
      const words = problem ? explain(problem.code, problem.data) : null;
      return {
        function: name,
        file,
        line,
        status: outcome.status,
        engine,
        code: problem?.code ?? null,
        reason: words ? `${words.what} ${words.next}` : null,
      };
    }),
  };
}

export function processTable(rows: readonly ProcessRow[]): string {
  if (rows.length === 0) return 'No Node process of yours is running.\n';
  const cells = rows.map(({ pid, node, inspector, agent, cwd, command }) => [
    String(pid),
    node ?? '?',
    inspector ?? 'closed',
    agent ? 'in' : '-',
    cwd ?? '?',
    command,
  ]);
  return table(['PID', 'NODE', 'INSPECTOR', 'AGENT', 'FOLDER', 'COMMAND'], cells);
}

export function patchTable(patches: readonly PatchState[]): string {
  if (patches.length === 0) return 'Nothing is loaded.\n';
  const cells = patches.flatMap(({ id, loadedAt, functions, unloadBlocked }) =>
    functions.map(({ function: name, file, line, engine, outcome }, index) => {
      const note = unloadBlocked
        ? ` (not unloaded: ${explain(unloadBlocked.code, unloadBlocked.data).what})`
        : '';
      return [
        index === 0 ? id.slice(0, 12) : '',
        name,
        `${file}:${line}`,
        engine,
        index === 0 ? new Date(loadedAt).toISOString() : '',
        describeOutcome(outcome) + note,
      ];
    }),
  );
  return table(['PATCH', 'FUNCTION', 'SOURCE', 'ENGINE', 'LOADED', 'STATE'], cells);
}

/** What happened to each function, one line each, and the times. */
export function reportText(report: PatchReport): string {
  const lines = report.targets.filter(({ status }) => status !== 'refused').map(functionLine);
  const { compile, plan, apply, pause } = report.ms;
  const times = `compile ${compile} ms, plan ${plan} ms, apply ${apply} ms (process held ${pause} ms)`;
  if (report.patchId) lines.push(`patch ${report.patchId.slice(0, 12)} in process ${report.pid}: ${times}`);
  return lines.map((line) => `${line}\n`).join('');
}

/** `HP2004 total (/app/price.ts:12): The new code uses …`, for stderr. */
export function refusalLine({ function: name, file, line, code, reason }: FunctionReport): string {
  const subject = name ? `${name} ` : '';
  return `${code} ${subject}(${file}:${line}): ${reason}\n`;
}

function functionLine({ function: name, file, line, status, engine, code, reason }: FunctionReport): string {
  const detail = reason ? ` ${code ?? ''} ${reason}`.replace(/\s+/g, ' ') : '';
  return `${status.padEnd(8)} ${name} (${file}:${line}) by ${engine ?? '-'}${detail}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
