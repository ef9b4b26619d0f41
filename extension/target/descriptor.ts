import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir, rm, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Descriptor } from '../../agent/protocol.ts';
import { codeOf } from './folder.ts';

/** Where the agent of process `pid` leaves its descriptor. */
export function descriptorPath(folder: string, pid: number): string {
  return join(folder, `${pid}.json`);
}

/** 32 random bytes in hexadecimal. */
export function newToken(): string {
  return randomBytes(32).toString('hex');
}

/**
 * The descriptor of the process with this pid and start time, or null. One left by an earlier process with the same
 * pid is removed together with its pipe.
 */
export async function readDescriptor(
  folder: string,
  pid: number,
  startTime: string,
): Promise<Descriptor | null> {
  const path = descriptorPath(folder, pid);
  const descriptor = await parse(path);
  if (descriptor === null) return null;
  if (descriptor.pid === pid && descriptor.startTime === startTime) return descriptor;
  await removeDescriptor(folder, pid, descriptor);
  return null;
}

/** Removes the descriptors and pipes of processes that are gone. What belongs to a living pid is left alone. */
export async function sweepFolder(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  await Promise.all(
    names.map(async (name) => {
      const pid = /^(\d+)(\.json|-[0-9a-f]+\.sock)(\.new)?$/.exec(name)?.[1];
      if (pid !== undefined && !exists(Number(pid))) await rm(join(folder, name), { force: true });
    }),
  );
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}

/** Removes what an agent that is gone left behind. */
export async function removeDescriptor(
  folder: string,
  pid: number,
  descriptor: Descriptor | null,
): Promise<void> {
  await rm(descriptorPath(folder, pid), { force: true });
  // Only a socket of this pid in this very folder: the path comes from a file.
  const pipe = descriptor?.pipe ?? '';
  const ours = dirname(pipe) === folder && basename(pipe).startsWith(`${pid}-`) && pipe.endsWith('.sock');
  if (process.platform !== 'win32' && ours) await rm(pipe, { force: true });
}

/** Opened without following links and checked by handle, so that the file checked is the file read. */
async function parse(path: string): Promise<Descriptor | null> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  } catch {
    return null;
  }
  try {
    const found = await file.stat();
    if (!found.isFile()) return null;
    if (process.platform !== 'win32' && (found.uid !== process.geteuid!() || (found.mode & 0o077) !== 0))
      return null;
    const value: unknown = JSON.parse(await file.readFile('utf8'));
    return isDescriptor(value) ? value : null;
  } catch {
    return null; // half written, or not ours
  } finally {
    await file.close();
  }
}

function isDescriptor(value: unknown): value is Descriptor {
  if (typeof value !== 'object' || value === null) return false;
  const { pid, startTime, pipe, token, version, protocol } = value as Partial<
    Record<keyof Descriptor, unknown>
  >;
  const strings = [startTime, pipe, token, version].every((field) => typeof field === 'string');
  return strings && Number.isInteger(pid) && Number.isInteger(protocol);
}
