import { isAbsolute, relative } from 'node:path';
import { nodeFlags } from '../target/processes/flags.ts';

/**
 * `vscode.l10n.t`, or a stand-in. The pure files take it as an argument, so that they can be tested without an editor.
 */
export type Translate = (message: string, ...args: (string | number | boolean)[]) => string;

/** The names of functions as one label: all of them up to three, else the first two and how many more. */
export function joinNames(names: readonly string[], t: Translate): string {
  if (names.length <= 3) return names.join(', ');
  return t('{0} and {1} more', names.slice(0, 2).join(', '), names.length - 2);
}

/** How long ago, short enough for a row: `just now`, `3m ago`. Takes ms; a clock set back counts as now. */
export function formatAge(ms: number, locale: string, t: Translate): string {
  return relativeTime(ms, locale, 'narrow') ?? t('just now');
}

/** The same in whole words, for screen readers and tooltips: `3 minutes ago`. */
export function spokenAge(ms: number, locale: string, t: Translate): string {
  return relativeTime(ms, locale, 'long') ?? t('just now');
}

/** When the text of `formatAge` changes next, in ms from now. */
export function nextAgeChange(ms: number): number {
  const unit = ageUnit(ms)?.[1] ?? minute;
  return unit - (Math.max(ms, 0) % unit);
}

/** A time the user waited: `0.4 ms`, `12 ms`, `1.3 s`. */
export function formatDuration(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return ms >= 10 ? `${Math.round(ms)} ms` : `${Number(ms.toFixed(1))} ms`;
}

/**
 * What a user calls a process: its program and arguments, without the path of node and its options. `cwd` shortens
 * paths below it. A command without a program (`node -e …`) stays as it is, but for the path of node.
 */
export function programName(command: string, cwd: string | null): string {
  const words = command.trim().split(/\s+/);
  const node = (words[0] ?? '').split(/[\\/]/).at(-1) ?? '';
  if (!/^node(js)?(\.exe)?$/i.test(node)) return shorten(command.trim());
  const { script } = nodeFlags(words, null);
  if (script === null) return shorten([node, ...words.slice(1)].join(' '));
  return shorten([shortPath(script, cwd), ...words.slice(words.indexOf(script) + 1)].join(' '));
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const longestName = 60;
const longestPath = 40;

function ageUnit(ms: number): ['day' | 'hour' | 'minute', number] | null {
  if (ms >= day) return ['day', day];
  if (ms >= hour) return ['hour', hour];
  return ms >= minute ? ['minute', minute] : null;
}

function relativeTime(ms: number, locale: string, style: 'narrow' | 'long'): string | null {
  const unit = ageUnit(ms);
  if (!unit) return null;
  return new Intl.RelativeTimeFormat(locale, { style }).format(-Math.floor(ms / unit[1]), unit[0]);
}

/** The end of a path says more than its beginning. */
function shortPath(path: string, cwd: string | null): string {
  const short = below(path, cwd);
  return short.length <= longestPath ? short : `…${short.slice(1 - longestPath)}`;
}

function below(path: string, cwd: string | null): string {
  if (!cwd || !isAbsolute(path)) return path;
  const short = relative(cwd, path);
  return short === '' || short.startsWith('..') || isAbsolute(short) ? path : short;
}

function shorten(text: string): string {
  return text.length <= longestName ? text : `${text.slice(0, longestName - 1)}…`;
}
