import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The checkout. */
export const root = resolve(__dirname, '..', '..');

/**
 * Reads what scripts/doors.mjs left behind about a door.
 * @returns its facts, and `folder`, which their relative paths start from
 */
export function readDoor<Facts>(name: 'nodes' | 'editor' | 'thirdParty'): Facts & { folder: string } {
  const folder = join(root, '.cache', name);
  try {
    const facts = JSON.parse(readFileSync(join(folder, 'door.json'), 'utf8')) as Facts;
    return { ...facts, folder };
  } catch (cause) {
    throw new Error(`The ${name} for the tests are not installed: run npm test, which installs them`, {
      cause,
    });
  }
}
