import type { Replacement } from '../../agent/protocol.ts';

/**
 * What a patch is, as text: its code and its mapping. The id is the sha256 of this, so the same edit of the same
 * script has the same id whoever makes it, and an edit more is another patch.
 */
export function identityText(replacements: readonly Replacement[]): string {
  const parts = replacements
    .map(({ function: name, url, range, text }) => [url, name, range.start, range.end, text] as const)
    .sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : a[2] - b[2]));
  return JSON.stringify(parts);
}
