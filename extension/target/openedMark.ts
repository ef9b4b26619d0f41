import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * A mark says "we opened the inspector of this process and have not seen it closed since". It is written before the
 * request, so that a client killed at any moment leaves enough for the next one to close what it opened.
 */
export interface OpenedMark {
  readonly pid: number;
  readonly startTime: string;
  /** ms since the epoch */
  readonly at: number;
}

export async function markOpened(folder: string, pid: number, startTime: string): Promise<void> {
  const mark: OpenedMark = { pid, startTime, at: Date.now() };
  await writeFile(markPath(folder, pid), JSON.stringify(mark), { mode: 0o600 });
}

export async function clearMark(folder: string, pid: number): Promise<void> {
  await rm(markPath(folder, pid), { force: true });
}

/** True when an inspector open in this process was opened by us. */
export async function isMarked(folder: string, pid: number, startTime: string): Promise<boolean> {
  return (await readMark(markPath(folder, pid)))?.startTime === startTime;
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
    return Number.isInteger(mark.pid) && typeof mark.startTime === 'string' ? mark : null;
  } catch {
    return null;
  }
}
