import { basename } from 'node:path';
import { CODES, type PatchState } from '../../agent/protocol.ts';
import { explain } from '../patch/catalogue.ts';
import type { HotPatchError } from '../patch/error.ts';
import type { PatchReport } from '../session/report.ts';
import type { Translate } from './words.ts';

/** Why something was not patched, where, and what to do: what the editor shows, whoever refused it. */
export interface Refusal {
  /** Null when no function is to blame, such as a syntax error or a process that ended. */
  readonly function: string | null;
  /** Absolute path and 1-based line, where known; the column is 0-based (as VS Code counts), null for the whole line. */
  readonly place: { readonly file: string; readonly line: number; readonly column: number | null } | null;
  readonly code: string;
  /** What happened and what to do next, in whole sentences. */
  readonly reason: string;
}

/** What the user can do from the notification. */
export type Offer = 'show' | 'elsewhere' | 'liveEdit' | 'copy';

/** The refused functions of a report. */
export function refusalsOf(report: PatchReport): Refusal[] {
  return report.targets
    .filter((one) => one.status === 'refused')
    .map((one) => ({
      // The planner leaves the name empty for code that is in no function.
      function: one.function || null,
      place: { file: one.file, line: one.line, column: null },
      code: one.code ?? CODES.internal,
      reason: withoutFlags(one.reason ?? explain(one.code ?? CODES.internal).what),
    }));
}

/** What became of a patch that was pending: null while it still is, else the functions that came to nothing. */
export function settled(patch: PatchState): Refusal[] | null {
  const outcomes = patch.functions.map((one) => one.outcome.status);
  if (outcomes.includes('pending')) return null;
  return patch.functions.flatMap((one) => {
    if (one.outcome.status === 'applied' || one.outcome.status === 'pending') return [];
    const { what, next } = explain(one.outcome.code, one.outcome.data);
    return {
      function: one.function,
      place: { file: one.file, line: one.line, column: null },
      code: one.outcome.code,
      reason: withoutFlags(`${what} ${next}`),
    };
  });
}

/** An expected error as a refusal. `next` of the catalogue speaks of the command line in places; here it must not. */
export function refusalOf(error: HotPatchError, t: Translate): Refusal {
  const { what, next } = explain(error.code, error.data);
  return {
    function: null,
    place: placeOf(error),
    code: error.code,
    reason: withoutFlags(`${what} ${nextInEditor(error.code, t) ?? next}`),
  };
}

/** The refusal to tell of: the others of a patch are often refused only because of it. */
export function leading(refusals: readonly Refusal[]): Refusal | undefined {
  return refusals.find((one) => one.code !== CODES.otherRefused) ?? refusals[0];
}

/** One notification for all refusals of a patch. */
export function refusalMessage(refusals: readonly Refusal[], t: Translate): string {
  const lead = leading(refusals);
  if (!lead) return '';
  const reason = `${lead.reason} (${lead.code})`;
  if (lead.function === null || !lead.place) return reason;
  const where = `${basename(lead.place.file)}:${lead.place.line}`;
  if (refusals.length === 1) return t('{0} ({1}) was not patched. {2}', lead.function, where, reason);
  return t('{0} ({1}) and {2} more were not patched. {3}', lead.function, where, refusals.length - 1, reason);
}

/** What to offer for these refusals, most useful first. */
export function offersFor(refusals: readonly Refusal[]): Offer[] {
  const lead = leading(refusals);
  if (!lead) return [];
  const offers: Offer[] = [];
  if (liveEditHelps.has(lead.code)) offers.push('liveEdit');
  if (otherProcessHelps.has(lead.code)) offers.push('elsewhere');
  if (lead.place) offers.push('show');
  return [...offers, 'copy'];
}

/** Why live edit is needed, in one sentence, when the user's consent to it is all that is missing; else null. */
export function consentNeeded(report: PatchReport): string | null {
  const blamed = report.targets.filter((one) => one.code !== CODES.otherRefused);
  if (blamed.some((one) => one.code !== CODES.liveEditConsent)) return null;
  // What to do next is what the dialog asks.
  const { next } = explain(CODES.liveEditConsent);
  return blamed[0]?.reason?.replace(next, '').trim() ?? null;
}

/** For "Copy Details": everything a bug report needs. Copied only when the user asks, so names and paths are in it. */
export function detailsText(
  refusals: readonly Refusal[],
  versions: Readonly<Record<string, string>>,
  report: PatchReport | null,
): string {
  const lines = refusals.map((one) => {
    const where = one.place ? ` (${one.place.file}:${one.place.line})` : '';
    return `${one.code} ${one.function ?? ''}${where}: ${one.reason}`;
  });
  const facts = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [...lines, facts.join(', '), ...(report ? [JSON.stringify(report, null, 2)] : [])].join('\n');
}

const liveEditHelps: ReadonlySet<string> = new Set([CODES.referenceTaken, CODES.closureAlive]);

const otherProcessHelps: ReadonlySet<string> = new Set([
  CODES.notLoaded,
  CODES.noSuchProcess,
  CODES.notNode,
  CODES.processEnded,
  CODES.agentUnreachable,
]);

function nextInEditor(code: string, t: Translate): string | null {
  switch (code) {
    case CODES.noSuchProcess:
    case CODES.notNode:
      return t('Choose another process.');
    case CODES.otherUser:
      return t('Run VS Code as that user.');
    case CODES.installFailed:
      return t('Report this with what "Hot Patch: Show Log" shows.');
    case CODES.noSuchPatch:
      return t('It may have been unloaded elsewhere.');
    default:
      return null;
  }
}

/** The catalogue puts flags of the command line in brackets; they mean nothing in an editor. */
function withoutFlags(reason: string): string {
  return reason.replace(/ \(--[\w-]+\)/g, '');
}

function placeOf(error: HotPatchError): Refusal['place'] {
  const { file, line, column } = error.data;
  if (typeof file !== 'string' || typeof line !== 'number') return null;
  return { file, line, column: typeof column === 'number' ? column - 1 : null };
}
