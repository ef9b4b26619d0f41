import { execFile } from 'node:child_process';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from './doors.ts';

/** Copies the sample service into a folder and compiles it there with tsc, as its own build does. */
export async function buildSample(folder: string): Promise<void> {
  await cp(join(root, 'sample'), folder, { recursive: true, filter: (path) => !path.includes('dist') });
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const types = join(root, 'node_modules', '@types');
  await promisify(execFile)(process.execPath, [tsc, '-p', folder, '--typeRoots', types]);
}
