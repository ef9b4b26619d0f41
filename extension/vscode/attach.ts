import { env, l10n, ThemeIcon, window, type Disposable, type QuickPick } from 'vscode';
import type { NodeProcess } from '../target/processes/process.ts';
import { HotPatchError } from '../patch/error.ts';
import { isProgram, newestFirst, processItem, type ProcessItem } from './processItem.ts';
import { withProgress } from './progress.ts';
import type { Reporter } from './report.ts';
import type { Target, Targets } from './targets.ts';

/** Attaching by hand: the picker, and the wait. */
export class Attacher {
  readonly #targets: Targets;
  readonly #reporter: Reporter;

  constructor(targets: Targets, reporter: Reporter) {
    this.#targets = targets;
    this.#reporter = reporter;
  }

  /** The command: with a pid as its argument the picker is skipped. Resolves with the pid that is attached. */
  async start(pid: unknown): Promise<number | undefined> {
    const target = await (typeof pid === 'number' ? this.attach(pid) : this.choose(defaultPlaceholder()));
    return target?.pid;
  }

  /** Lets the user choose a process and attaches to it. Undefined when they gave up or it did not work (they were told). */
  async choose(placeholder: string): Promise<Target | undefined> {
    const pid = await pickProcess(placeholder, (one) => this.#targets.get(one) !== undefined);
    return pid === undefined ? undefined : this.attach(pid);
  }

  async attach(pid: number): Promise<Target | undefined> {
    try {
      const title = l10n.t('Attaching to process {0}', pid);
      const target = await withProgress(title, (signal) => this.#targets.attach(pid, signal));
      if (!target) return undefined;
      this.#reporter.glance('flame', l10n.t('Attached to process {0}', pid));
      return target;
    } catch (error) {
      if (!(error instanceof HotPatchError)) throw error;
      this.#explain(error).catch((fault: unknown) => this.#reporter.fault(fault));
      return undefined;
    }
  }

  async #explain(error: HotPatchError): Promise<void> {
    const wish = await this.#reporter.failed(error, null);
    if (wish === 'elsewhere') await this.choose(defaultPlaceholder());
  }
}

function defaultPlaceholder(): string {
  return l10n.t('Choose the Node process to attach to');
}

/** Opens at once and fills while processes are found. Resolves with undefined on Escape. */
function pickProcess(placeholder: string, isAttached: (pid: number) => boolean): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const picker = window.createQuickPick<ProcessItem>();
    const listing = new Listing(picker, isAttached);
    picker.title = l10n.t('Attach to Running Process');
    picker.placeholder = placeholder;
    picker.matchOnDescription = true;
    picker.matchOnDetail = true;
    picker.buttons = [{ iconPath: new ThemeIcon('refresh'), tooltip: l10n.t('Look Again') }];
    const fill = (): void => {
      listing.start().catch((error: unknown) => {
        reject(error as Error);
        picker.hide();
      });
    };
    picker.onDidTriggerButton(fill);
    picker.onDidAccept(() => {
      const chosen = picker.selectedItems[0];
      if (!chosen) return;
      resolve(chosen.pid);
      picker.hide();
    });
    picker.onDidHide(() => {
      listing.dispose();
      picker.dispose();
      resolve(undefined);
    });
    picker.show();
    fill();
  });
}

/** How long processes are gathered before the list is drawn, and drawn again with more of them, in ms. */
const gatherMs = 400;

/** Fills a picker. A new start makes the one before it stop. */
class Listing implements Disposable {
  readonly #picker: QuickPick<ProcessItem>;
  readonly #isAttached: (pid: number) => boolean;
  #run = 0;

  constructor(picker: QuickPick<ProcessItem>, isAttached: (pid: number) => boolean) {
    this.#picker = picker;
    this.#isAttached = isAttached;
  }

  async start(): Promise<void> {
    const run = ++this.#run;
    this.#picker.busy = true;
    this.#picker.items = [];
    try {
      const { findProcesses } = await import('../target/processes/find.ts');
      let found: NodeProcess[] = [];
      let since = Date.now();
      for await (const one of findProcesses()) {
        if (run !== this.#run) return;
        if (isProgram(one, env.appRoot)) found.push(one);
        if (Date.now() - since < gatherMs) continue;
        this.#append(found);
        found = [];
        since = Date.now();
      }
      if (run !== this.#run) return;
      this.#append(found);
      if (this.#picker.items.length === 0) {
        this.#picker.placeholder = l10n.t('No other Node process of yours is running');
      }
    } finally {
      if (run === this.#run) this.#picker.busy = false;
    }
  }

  dispose(): void {
    this.#run = -1;
  }

  /**
   * Newest first, but never above a row that is shown. VS Code tells of a choice by the row's number, which it then
   * looks up in the newest items: with rows that move, Enter pressed while the list fills entered another process
   * than the one that was chosen (seen on 1.139).
   */
  #append(found: readonly NodeProcess[]): void {
    if (found.length === 0) return;
    const before = this.#picker.items;
    const active = this.#picker.activeItems[0];
    const rows = found
      .toSorted(newestFirst)
      .map((one) => processItem(one, this.#isAttached(one.pid), translate));
    this.#picker.keepScrollPosition = before.length > 0;
    this.#picker.items = [...before, ...rows];
    if (active && active !== before[0]) this.#picker.activeItems = [active];
  }
}

function translate(message: string, ...args: (string | number | boolean)[]): string {
  return l10n.t(message, ...args);
}
