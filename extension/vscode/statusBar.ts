import { l10n, MarkdownString, StatusBarAlignment, ThemeColor, window, type Disposable } from 'vscode';
import { BuiltIn, Command } from './ids.ts';
import { countText, stateIcon } from './patchesView.ts';
import { patchState } from './rows.ts';
import { targetName, type Targets } from './targets.ts';
import { joinNames } from './words.ts';

/** One item, shown while a process is attached: the count; its tooltip is the control panel. */
export class StatusBar implements Disposable {
  readonly #targets: Targets;
  readonly #item = window.createStatusBarItem('hotpatch.status', StatusBarAlignment.Left);
  readonly #changes: Disposable;

  constructor(targets: Targets) {
    this.#targets = targets;
    this.#item.name = l10n.t('Hot Patch');
    this.#item.command = BuiltIn.focusPatches;
    this.#changes = targets.onDidChange(() => this.#refresh());
    this.#refresh();
  }

  dispose(): void {
    this.#changes.dispose();
    this.#item.dispose();
  }

  #refresh(): void {
    const { all, patchCount } = this.#targets;
    if (all.length === 0) {
      this.#item.hide();
      return;
    }
    const count = countText(patchCount);
    this.#item.text = `$(flame) ${count}`;
    this.#item.tooltip = tooltip(this.#targets);
    this.#item.accessibilityInformation = {
      label: l10n.t('Hot Patch: {0} in {1} attached processes', count, all.length),
    };
    this.#item.backgroundColor = hasTrouble(this.#targets)
      ? new ThemeColor('statusBarItem.warningBackground')
      : undefined;
    this.#item.show();
  }
}

/** Something that needs the user: a patch that is not in force as they believe. */
function hasTrouble(targets: Targets): boolean {
  const states = targets.all.flatMap((target) => target.patches.map(patchState));
  return states.some((state) => state === 'stale' || state === 'refused' || state === 'blocked');
}

function tooltip(targets: Targets): MarkdownString {
  const text = new MarkdownString('', true);
  text.isTrusted = {
    enabledCommands: [BuiltIn.focusPatches, Command.attach, Command.unloadAll, Command.showLog],
  };
  for (const target of targets.all) {
    text.appendMarkdown('**').appendText(targetName(target)).appendMarkdown('** ');
    text.appendText(l10n.t('pid {0}', target.pid)).appendMarkdown('\n\n');
    for (const patch of target.patches) {
      const names = patch.functions.map((one) => one.function);
      text.appendMarkdown(`- $(${stateIcon(patchState(patch)).id}) `);
      text.appendText(joinNames(names, (message, ...args) => l10n.t(message, ...args)));
      text.appendMarkdown('\n');
    }
    text.appendMarkdown('\n');
  }
  const links = [
    `[$(list-tree) ${l10n.t('Show Patches')}](command:${BuiltIn.focusPatches})`,
    `[$(plug) ${l10n.t('Attach…')}](command:${Command.attach})`,
    ...(targets.patchCount > 0 ? [`[$(trash) ${l10n.t('Unload All')}](command:${Command.unloadAll})`] : []),
    `[$(output) ${l10n.t('Show Log')}](command:${Command.showLog})`,
  ];
  return text.appendMarkdown(`---\n\n${links.join(' &nbsp; ')}`);
}
