import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * A mark says "we opened the inspector of this process and have not seen it closed since". It is written before the
 * request, so that a client killed at any moment leaves enough for the next one to close what it opened.
 */
export interface OpenedMark {
  readonly pid: number;
  readonly startTime: string;
  /** Where it opens; 0 until that is known. */
  readonly port: number;
  /** ms since the epoch */
  readonly at: number;
}

/** Marks a process before it is asked to open its inspector, and again once the port is known. */
export async function markOpened(
  folder: string,
  { pid, startTime }: { readonly pid: number; readonly startTime: string },
  port: number,
): Promise<void> {
  const mark: OpenedMark = { pid, startTime, port, at: Date.now() };
  await writeFile(markPath(folder, pid), JSON.stringify(mark), { mode: 0o600 });
}

export async function clearMark(folder: string, pid: number): Promise<void> {
  await rm(markPath(folder, pid), { force: true });
}

/** The mark of this very process, null when an inspector open in it was not opened by us. */
export async function markOf(folder: string, pid: number, startTime: string): Promise<OpenedMark | null> {
  const mark = await readMark(markPath(folder, pid));
  return mark?.startTime === startTime ? mark : null;
}

/** Every mark in the folder, in no order. */
export async function openedMarks(folder: string): Promise<OpenedMark[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^\d+\.opened$/.test(name));
  const marks = await Promise.all(names.map((name) => readMark(join(folder, name))));
  return marks.filter((mark) => mark !== null);
}

function markPath(folder: string, pid: number): string {
  return join(folder, `${pid}.opened`);
}

async function readMark(path: string): Promise<OpenedMark | null> {
  try {
    const mark = JSON.parse(await readFile(path, 'utf8')) as OpenedMark;
    return Number.isInteger(mark.pid) && Number.isInteger(mark.port) && typeof mark.startTime === 'string'
      ? mark
      : null;
  } catch {
    return null;
  }
}
