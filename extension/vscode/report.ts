import { commands, env, extensions, l10n, Range, Uri, version, window } from 'vscode';
import type { HotPatchError } from '../patch/error.ts';
import type { PatchReport } from '../session/report.ts';
import { BuiltIn, Command } from './ids.ts';
import type { Log } from './log.ts';
import type { Marks } from './marks.ts';
import {
  detailsText,
  leading,
  offersFor,
  refusalMessage,
  refusalOf,
  type Offer,
  type Refusal,
} from './refusal.ts';
import type { Target } from './targets.ts';

/** What the user chose in a notification and the caller has to do; the rest is done here. */
export type Wish = 'elsewhere' | 'liveEdit' | null;

/** How long a message stays in the status bar, in ms. */
const glanceMs = 6000;

/** Tells of results: a word in the status bar when all is well, one notification with the next step when not. */
export class Reporter {
  readonly #log: Log;
  readonly #marks: Marks;

  constructor(log: Log, marks: Marks) {
    this.#log = log;
    this.#marks = marks;
  }

  /** A success or a state; never a notification, since patching is routine. */
  glance(icon: string, message: string): void {
    window.setStatusBarMessage(`$(${icon}) ${message}`, glanceMs);
  }

  /** A process is gone, and its patches with it. What was refused for it no longer matters. */
  lost(target: Target): void {
    this.#marks.clear();
    this.glance('debug-disconnect', l10n.t('Process {0} has ended', target.pid));
  }

  /** Nothing of `file` was refused: what was said of it before is no longer true. */
  async accepted(file: string): Promise<void> {
    await this.#marks.replace(file, []);
  }

  /** Shows refusals in `file`, as a notification and at their lines. */
  async refused(
    file: string | null,
    refusals: readonly Refusal[],
    report: PatchReport | null,
  ): Promise<Wish> {
    for (const one of refusals) {
      this.#log.warn('Refused', {
        code: one.code,
        function: one.function ?? undefined,
        line: one.place?.line,
      });
    }
    if (file !== null) await this.#marks.replace(file, refusals);
    return this.#offer(refusals, report);
  }

  /** Shows an expected error; `file` is what was to be patched, if anything. */
  async failed(error: HotPatchError, file: string | null): Promise<Wish> {
    this.#log.fault('Stopped', error);
    const refusal = refusalOf(error, (message, ...args) => l10n.t(message, ...args));
    if (file !== null) await this.#marks.replace(file, [refusal]);
    return this.#offer([refusal], null);
  }

  /** Shows a fault of ours, of which the user can only read more. */
  async fault(error: unknown): Promise<void> {
    this.#log.fault('Fault', error);
    const see = l10n.t('Show Log');
    const message = l10n.t('Hot Patch met a fault of its own; the log shows where.');
    if ((await window.showErrorMessage(message, see)) === see) {
      await commands.executeCommand(Command.showLog);
    }
  }

  async #offer(refusals: readonly Refusal[], report: PatchReport | null): Promise<Wish> {
    const labels: Readonly<Record<Offer, string>> = {
      liveEdit: l10n.t('Use Live Edit…'),
      elsewhere: l10n.t('Attach…'),
      show: l10n.t('Show'),
      copy: l10n.t('Copy Details'),
    };
    const offers = offersFor(refusals);
    const message = refusalMessage(refusals, (words, ...args) => l10n.t(words, ...args));
    const answer = await window.showWarningMessage(message, ...offers.map((offer) => labels[offer]));
    const chosen = offers.find((offer) => labels[offer] === answer);
    if (chosen === 'show') await show(leading(refusals));
    if (chosen === 'copy') await env.clipboard.writeText(detailsText(refusals, versions(), report));
    return chosen === 'elsewhere' || chosen === 'liveEdit' ? chosen : null;
  }
}

/** Opens a file at a 1-based line and a 0-based column; other options as in VS Code. */
export async function showPlace(
  file: string,
  line: number,
  { column = 0, ...options }: { column?: number; preserveFocus?: boolean } = {},
): Promise<void> {
  const selection = new Range(line - 1, column, line - 1, column);
  await commands.executeCommand(BuiltIn.open, Uri.file(file), { ...options, selection });
}

async function show(refusal: Refusal | undefined): Promise<void> {
  if (!refusal?.place) return;
  const { file, line, column } = refusal.place;
  await showPlace(file, line, { column: column ?? 0 });
}

function versions(): Record<string, string> {
  const own = extensions.getExtension('hotpatch.hotpatch')?.packageJSON as { version?: string } | undefined;
  return { hotpatch: own?.version ?? '?', 'VS Code': version, platform: process.platform };
}
