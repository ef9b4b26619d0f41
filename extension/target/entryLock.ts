import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CODES } from '../../agent/protocol.ts';
import { HotPatchError } from '../patch/error.ts';
import { codeOf } from './folder.ts';
import { processSource } from './processes/find.ts';

/** How long a client waits for the others by default, in ms: an entry itself is limited to about half of it. */
const LIMIT_MS = 20_000;

/** A takeover is a few synchronous file operations; one this old (ms) was killed in the middle. */
const TAKEOVER_LIMIT_MS = 5000;

interface Holder {
  readonly owner: number;
  readonly ownerStart: string;
  /** The process it enters. */
  readonly target: number;
  readonly id: string;
}

/** The right to open an inspector: given back by `release`, or by the end of this process. */
export interface EntryLock {
  release(): void;
}

/**
 * Waits until no other client of this user enters a process: SIGUSR1 opens port 9229 in every one of them.
 * The lock is a file, put in place whole by link(2); one whose owner has died is taken over.
 * Throws entryBusy {owner} after `limitMs`, and the reason of `signal`.
 */
export async function acquireEntryLock(
  folder: string,
  target: number,
  { signal, limitMs = LIMIT_MS }: { signal?: AbortSignal; limitMs?: number } = {},
): Promise<EntryLock> {
  const path = join(folder, 'entry.lock');
  const ownerStart = (await ownStartTime()) ?? '';
  const mine: Holder = { owner: process.pid, ownerStart, target, id: randomBytes(8).toString('hex') };
  const deadline = Date.now() + limitMs;
  let checked: { id: string; at: number } | undefined;
  for (;;) {
    signal?.throwIfAborted();
    if (tryCreate(path, mine)) return { release: () => releaseLock(path, mine) };

    const holder = readHolder(path);
    if (holder === null) continue; // released just now
    // Asking for a start time costs a child process on macOS and Windows: once per holder, then once a second.
    if (checked?.id !== holder.id || Date.now() - checked.at > 1000) {
      checked = { id: holder.id, at: Date.now() };
      if (!(await isAlive(holder))) {
        takeOver(path, holder);
        continue;
      }
    }
    if (Date.now() >= deadline) throw new HotPatchError(CODES.entryBusy, { owner: holder.owner });
    await delay(20, undefined, signal && { signal });
  }
}

/** Creates the lock with its content in one step: nobody ever reads half of it. */
function tryCreate(path: string, holder: Holder): boolean {
  const draft = `${path}.${holder.id}`;
  writeFileSync(draft, JSON.stringify(holder), { mode: 0o600 });
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function releaseLock(path: string, mine: Holder): void {
  if (readHolder(path)?.id === mine.id) rmSync(path, { force: true });
}

/**
 * Removes the lock of a dead client. Two clients may come to this at once, and the slower must not remove the lock
 * that the faster has made since; so the look and the removal are one step under a second lock.
 */
function takeOver(path: string, dead: Holder): void {
  const guard = `${path}.takeover`;
  try {
    writeFileSync(guard, '', { flag: 'wx', mode: 0o600 });
  } catch {
    const since = statSync(guard, { throwIfNoEntry: false })?.mtimeMs;
    if (since !== undefined && Date.now() - since > TAKEOVER_LIMIT_MS) rmSync(guard, { force: true });
    return;
  }
  try {
    if (readHolder(path)?.id === dead.id) rmSync(path, { force: true });
  } finally {
    rmSync(guard, { force: true });
  }
}

function readHolder(path: string): Holder | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return null;
  }
  try {
    return JSON.parse(text) as Holder;
  } catch {
    // Not written by us; as good as a dead owner's.
    return { owner: 0, ownerStart: '', target: 0, id: 'unreadable' };
  }
}

async function isAlive(holder: Holder): Promise<boolean> {
  if (!Number.isInteger(holder.owner) || holder.owner <= 0) return false;
  return (await processSource().startTime(holder.owner)) === holder.ownerStart;
}

let own: Promise<string | null> | undefined;

function ownStartTime(): Promise<string | null> {
  own ??= processSource().startTime(process.pid);
  return own;
}
