import { l10n, window, type QuickPickItem } from 'vscode';
import type { Attacher } from './attach.ts';
import { targetName, type Target, type Targets } from './targets.ts';

interface TargetItem extends QuickPickItem {
  /** Null: another process. */
  readonly target: Target | null;
}

/** Which process a file is patched in. The answer is kept for the file as long as that process is attached. */
export class TargetChoice {
  readonly #targets: Targets;
  readonly #attacher: Attacher;
  readonly #pidOf = new Map<string, number>();

  constructor(targets: Targets, attacher: Attacher) {
    this.#targets = targets;
    this.#attacher = attacher;
  }

  /** None attached: offers to attach. One: that one. Several: the one used for this file before, else asks. */
  async forFile(file: string): Promise<Target | undefined> {
    const { all } = this.#targets;
    if (all.length === 1) return all[0];
    const before = this.#targets.get(this.#pidOf.get(file) ?? -1);
    return before ?? this.ask(file);
  }

  /** Asks in any case, except that with nothing to choose from the picker of processes opens. */
  async ask(file: string): Promise<Target | undefined> {
    const target = this.#targets.all.length > 1 ? await this.#pick() : await this.other();
    if (target) this.#pidOf.set(file, target.pid);
    return target;
  }

  /** A process chosen from all that run. */
  async other(): Promise<Target | undefined> {
    return this.#attacher.choose(l10n.t('Choose the Node process that runs this function'));
  }

  async #pick(): Promise<Target | undefined> {
    const items: TargetItem[] = this.#targets.all.map((target) => ({
      target,
      label: targetName(target),
      description: l10n.t('pid {0}', target.pid),
    }));
    items.push({ target: null, label: l10n.t('$(plug) Attach to Another Process…'), alwaysShow: true });
    const chosen = await window.showQuickPick(items, {
      title: l10n.t('Hot Patch Function'),
      placeHolder: l10n.t('Choose the attached process that runs this function'),
      matchOnDescription: true,
    });
    if (!chosen) return undefined;
    return chosen.target ?? this.other();
  }
}
