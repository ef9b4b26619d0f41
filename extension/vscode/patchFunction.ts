import { l10n, window, workspace, type Disposable } from 'vscode';
import { CODES, type PatchState } from '../../agent/protocol.ts';
import { HotPatchError } from '../patch/error.ts';
import type { PatchReport } from '../session/report.ts';
import { languages, settings } from './ids.ts';
import type { Log } from './log.ts';
import { withProgress } from './progress.ts';
import { consentNeeded, refusalsOf, settled } from './refusal.ts';
import type { Reporter, Wish } from './report.ts';
import { patchState } from './rows.ts';
import type { TargetChoice } from './targetChoice.ts';
import type { Target, Targets } from './targets.ts';
import { formatDuration, joinNames } from './words.ts';

/** How long a patch may wait for its functions to be called before the answer is "pending", in ms. */
const waitMs = 1000;

/** The function to patch, as it was when the user asked; they may type on while a process is chosen. */
interface Edit {
  readonly file: string;
  /** Undefined when the disk holds the same. */
  readonly text: string | undefined;
  /** 1-based. */
  readonly line: number;
}

/** Patches the function around the cursor. */
export class FunctionPatcher implements Disposable {
  readonly #targets: Targets;
  readonly #choice: TargetChoice;
  readonly #reporter: Reporter;
  readonly #log: Log;
  /** Processes for which the user agreed to live edit. */
  readonly #consented = new Set<number>();
  readonly #ends: Disposable;

  constructor(targets: Targets, choice: TargetChoice, reporter: Reporter, log: Log) {
    this.#targets = targets;
    this.#choice = choice;
    this.#reporter = reporter;
    this.#log = log;
    this.#ends = targets.onDidEnd(({ pid }) => this.#consented.delete(pid));
  }

  dispose(): void {
    this.#ends.dispose();
  }

  /** In the process that belongs to the file. Undefined when there was nothing to send, or the user gave up. */
  async patchHere(): Promise<PatchReport | undefined> {
    const edit = currentEdit();
    const target = edit && (await this.#choice.forFile(edit.file));
    return target && this.#patch(edit, target, this.#allowsLiveEdit(target));
  }

  /** In a process that is asked for. */
  async patchIn(): Promise<PatchReport | undefined> {
    const edit = currentEdit();
    const target = edit && (await this.#choice.ask(edit.file));
    return target && this.#patch(edit, target, this.#allowsLiveEdit(target));
  }

  async #patch(edit: Edit, target: Target, allowLiveEdit: boolean): Promise<PatchReport | undefined> {
    try {
      const report = await send(edit, target, allowLiveEdit);
      if (!report) return undefined;
      this.#log.info('Patched', { pid: report.pid, patch: report.patchId, ...facts(report) });
      const why = allowLiveEdit ? null : consentNeeded(report);
      if (why !== null) return (await this.#consent(target, why)) ? this.#patch(edit, target, true) : report;
      await this.#tell(edit, target, report);
      return report;
    } catch (error) {
      if (!(error instanceof HotPatchError)) throw error;
      if (isInForce(error, target)) {
        // A key pressed twice is no reason for a notification.
        this.#reporter.glance('flame', l10n.t('This code is loaded already'));
        return undefined;
      }
      void this.#reporter
        .failed(error, edit.file)
        .then((wish) => this.#fulfil(wish, edit, target))
        .catch((fault: unknown) => this.#reporter.fault(fault));
      return undefined;
    }
  }

  /** Says what came of it. Does not wait for the user to answer a notification: the command is done. */
  async #tell(edit: Edit, target: Target, report: PatchReport): Promise<void> {
    const refusals = refusalsOf(report);
    if (refusals.length > 0) {
      void this.#reporter
        .refused(edit.file, refusals, report)
        .then((wish) => this.#fulfil(wish, edit, target))
        .catch((fault: unknown) => this.#reporter.fault(fault));
      return;
    }
    await this.#reporter.accepted(edit.file);
    const names = namesOf(report);
    if (report.targets.every((one) => one.status === 'applied')) {
      const took = formatDuration(report.ms.compile + report.ms.plan + report.ms.apply);
      this.#reporter.glance('flame', l10n.t('{0} runs its new code ({1})', names, took));
    } else {
      this.#reporter.glance('watch', l10n.t('{0} is pending: it takes effect when it is called', names));
      this.#follow(edit, target, report);
    }
  }

  /** Tells of a pending patch once more, when it is known what became of it. */
  #follow(edit: Edit, target: Target, report: PatchReport): void {
    const look = (patches: readonly PatchState[]): void => {
      const patch = patches.find((one) => one.id === report.patchId);
      const outcome = patch ? settled(patch) : [];
      if (outcome === null) return;
      stop();
      if (!patch) return;
      if (outcome.length === 0)
        this.#reporter.glance('flame', l10n.t('{0} runs its new code', namesOf(report)));
      else
        this.#reporter
          .refused(edit.file, outcome, report)
          .catch((fault: unknown) => this.#reporter.fault(fault));
    };
    const stop = target.onDidChange(look);
    look(target.patches);
  }

  async #fulfil(wish: Wish, edit: Edit, target: Target): Promise<void> {
    if (wish === 'elsewhere') {
      const other = await this.#choice.ask(edit.file);
      if (other) await this.#patch(edit, other, this.#allowsLiveEdit(other));
    }
    const why = l10n.t('From Node 24 on, some live edits crash the process afterwards.');
    if (wish === 'liveEdit' && (await this.#consent(target, why))) await this.#patch(edit, target, true);
  }

  #allowsLiveEdit(target: Target): boolean {
    const configured = workspace.getConfiguration(settings.section).get(settings.allowLiveEdit, false);
    return configured || this.#consented.has(target.pid);
  }

  /** Asks once for each process. Modal, because a crashed process cannot be brought back. */
  async #consent(target: Target, why: string): Promise<boolean> {
    const anyway = l10n.t('Patch Anyway');
    const message = l10n.t('Patch process {0} with live edit?', target.pid);
    const detail = l10n.t(
      '{0} Its state would be lost then. You are asked once for each process; the setting hotpatch.allowLiveEdit answers for good.',
      why,
    );
    const answer = await window.showWarningMessage(message, { modal: true, detail }, anyway);
    if (answer !== anyway) return false;
    this.#consented.add(target.pid);
    return true;
  }
}

/** True for "loaded already" when that patch also does what it should. */
function isInForce(error: HotPatchError, target: Target): boolean {
  if (!HotPatchError.is(error, CODES.alreadyLoaded)) return false;
  const loaded = target.patches.find((patch) => patch.id.startsWith(String(error.data['id'])));
  return loaded !== undefined && ['applied', 'pending'].includes(patchState(loaded));
}

/** The function around the cursor of the active editor; says so when there is none that can be patched. */
function currentEdit(): Edit | undefined {
  const editor = window.activeTextEditor;
  const document = editor?.document;
  if (!document || !languages.includes(document.languageId)) {
    void window.showInformationMessage(
      l10n.t('Open a TypeScript or JavaScript file and put the cursor in a function.'),
    );
    return undefined;
  }
  if (document.uri.scheme !== 'file') {
    void window.showInformationMessage(
      l10n.t('Save this file first: only a file on disk can be found in a process.'),
    );
    return undefined;
  }
  return {
    file: document.uri.fsPath,
    text: document.isDirty ? document.getText() : undefined,
    line: editor.selection.active.line + 1,
  };
}

function send(edit: Edit, target: Target, allowLiveEdit: boolean): Promise<PatchReport | null> {
  return withProgress(l10n.t('Hot patching process {0}', target.pid), (signal) =>
    target.patch({
      file: edit.file,
      ...(edit.text === undefined ? {} : { text: edit.text }),
      line: edit.line,
      allowLiveEdit,
      waitMs,
      signal,
    }),
  );
}

function namesOf(report: PatchReport): string {
  return joinNames(
    report.targets.map((one) => one.function),
    (message, ...args) => l10n.t(message, ...args),
  );
}

function facts(report: PatchReport): Record<string, unknown> {
  return {
    functions: report.targets.map((one) => one.function),
    status: report.targets.map((one) => one.code ?? one.status),
    ms: Math.round(report.ms.compile + report.ms.plan + report.ms.apply),
    pause: report.ms.pause,
  };
}
