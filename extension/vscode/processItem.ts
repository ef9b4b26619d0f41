import type { NodeProcess } from '../target/processes/process.ts';
import { programName, type Translate } from './words.ts';

/** One line of the process picker, as QuickPickItem has it. */
export interface ProcessItem {
  readonly pid: number;
  readonly label: string;
  readonly description: string;
  readonly detail: string;
}

export function processItem(found: NodeProcess, attached: boolean, t: Translate): ProcessItem {
  const state = attached ? t('$(check) attached') : found.agent ? t('$(flame) holds the agent') : '';
  const facts = [
    t('pid {0}', found.pid),
    found.node && `Node ${found.node}`,
    found.inspector && t('inspector {0}', found.inspector),
    state,
  ];
  return {
    pid: found.pid,
    label: programName(found.command, found.cwd),
    description: facts.filter(Boolean).join(' · '),
    // The whole command is here so that typing any of its arguments finds it.
    detail: `${found.cwd ?? t('folder unknown')} · ${found.command}`,
  };
}

/** False for processes of the editor itself, whose programs are below `appRoot`: patching those would break it. */
export function isProgram(found: NodeProcess, appRoot: string): boolean {
  return !found.command.includes(appRoot);
}

/** Newest first. The start time is opaque, but those of one machine grow with time when read as numbers. */
export function newestFirst(a: NodeProcess, b: NodeProcess): number {
  return b.startTime.localeCompare(a.startTime, 'en', { numeric: true }) || b.pid - a.pid;
}
