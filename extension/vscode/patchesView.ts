import {
  commands,
  env,
  EventEmitter,
  l10n,
  MarkdownString,
  ThemeColor,
  ThemeIcon,
  TreeItem,
  TreeItemCollapsibleState,
  window,
  type Disposable,
  type Event,
  type TreeDataProvider,
  type TreeView,
} from 'vscode';
import type { FunctionState, PatchState } from '../../agent/protocol.ts';
import { BuiltIn, Command, contextKeys, RowContext, View, type ContextKeys } from './ids.ts';
import { showPlace } from './report.ts';
import {
  functionText,
  patchDetails,
  patchText,
  rowId,
  type Row,
  type RowState,
  type RowText,
} from './rows.ts';
import { targetName, type Target, type Targets } from './targets.ts';
import { nextAgeChange, spokenAge } from './words.ts';

const t = (message: string, ...args: (string | number | boolean)[]): string => l10n.t(message, ...args);

/** The Hot Patches view: targets, below each its patches, below a patch of several functions these. */
export class PatchesView implements Disposable, TreeDataProvider<Row> {
  readonly #targets: Targets;
  readonly #redraw = new EventEmitter<Row | undefined>();
  readonly #view: TreeView<Row>;
  readonly #parts: Disposable[];
  #ageing: NodeJS.Timeout | undefined;

  readonly onDidChangeTreeData: Event<Row | undefined> = this.#redraw.event;

  constructor(targets: Targets) {
    this.#targets = targets;
    this.#view = window.createTreeView(View.patches, { treeDataProvider: this, canSelectMany: true });
    this.#parts = [
      this.#redraw,
      this.#view,
      targets.onDidChange(() => this.#refresh()),
      this.#view.onDidChangeVisibility(() => this.#keepAges()),
    ];
    this.#refresh();
  }

  /** The rows a command is for: those VS Code hands over, else (a key was pressed) the selected ones. */
  chosen(row: Row | undefined, selected: readonly Row[] | undefined): readonly Row[] {
    if (!row) return this.#view.selection;
    const ids = selected?.map(rowId) ?? [];
    return selected && ids.includes(rowId(row)) ? selected : [row];
  }

  /** Shows the row of a process that was just attached; the view starts folded below the others of its container. */
  async reveal(pid: number | undefined): Promise<number | undefined> {
    if (pid !== undefined) await this.#view.reveal({ kind: 'target', pid }, { select: false });
    return pid;
  }

  /** Opens the source of a patch's first function, or of the function that the row stands for. */
  async showFunction(row: Row): Promise<void> {
    if (row.kind === 'target') return;
    const functions = this.#targets.patch(row.pid, row.patchId)?.functions ?? [];
    const one = functions[row.kind === 'function' ? row.index : 0];
    // The focus stays on the row, so that Delete still means the patch.
    if (one) await showPlace(one.file, one.line, { preserveFocus: true });
  }

  getChildren(row?: Row): Row[] {
    if (!row) return this.#targets.all.map(({ pid }) => ({ kind: 'target', pid }));
    if (row.kind === 'target') {
      const patches = this.#targets.get(row.pid)?.patches ?? [];
      // Newest first: it is the one the user has just made.
      return patches.map(({ id }): Row => ({ kind: 'patch', pid: row.pid, patchId: id })).reverse();
    }
    if (row.kind === 'function') return [];
    const patch = this.#targets.patch(row.pid, row.patchId);
    return (patch?.functions ?? []).map((_, index) => ({ ...row, kind: 'function', index }));
  }

  getParent(row: Row): Row | undefined {
    if (row.kind === 'target') return undefined;
    if (row.kind === 'patch') return { kind: 'target', pid: row.pid };
    return { kind: 'patch', pid: row.pid, patchId: row.patchId };
  }

  getTreeItem(row: Row): TreeItem {
    const item = this.#item(row);
    item.id = rowId(row);
    return item;
  }

  dispose(): void {
    clearTimeout(this.#ageing);
    for (const part of this.#parts) part.dispose();
  }

  #item(row: Row): TreeItem {
    const target = this.#targets.get(row.pid);
    // VS Code may ask for a row that has just gone; the next refresh takes it away.
    if (!target) return new TreeItem('');
    if (row.kind === 'target') return targetItem(target);
    const patch = this.#targets.patch(row.pid, row.patchId);
    if (!patch) return new TreeItem('');
    if (row.kind === 'patch') return patchItem(row, patch);
    const one = patch.functions[row.index];
    return one ? functionItem(row, one) : new TreeItem('');
  }

  #refresh(): void {
    const { all, patchCount } = this.#targets;
    setContext(contextKeys.targetCount, all.length);
    setContext(contextKeys.patchCount, patchCount);
    this.#view.badge = patchCount > 0 ? { value: patchCount, tooltip: countText(patchCount) } : undefined;
    this.#view.message =
      all.length > 0 && patchCount === 0 ? t('Right-click in a function and choose Hot Patch Function.') : '';
    this.#redraw.fire(undefined);
    this.#keepAges();
  }

  /** Draws again when the text of an age changes, and only while somebody can see it. Asks no process. */
  #keepAges(): void {
    clearTimeout(this.#ageing);
    const loaded = this.#targets.all.flatMap(({ patches }) => patches.map(({ loadedAt }) => loadedAt));
    if (loaded.length === 0 || !this.#view.visible) return;
    const now = Date.now();
    const soonest = Math.min(...loaded.map((at) => nextAgeChange(now - at)));
    this.#ageing = setTimeout(() => {
      this.#redraw.fire(undefined);
      this.#keepAges();
    }, soonest);
  }
}

/** `2 patches`, for every surface that counts. */
export function countText(count: number): string {
  if (count === 0) return t('no patches');
  return count === 1 ? t('1 patch') : t('{0} patches', count);
}

function targetItem(target: Target): TreeItem {
  const item = new TreeItem(targetName(target), TreeItemCollapsibleState.Expanded);
  const pid = t('pid {0}', target.pid);
  item.description = pid;
  item.iconPath = new ThemeIcon('vm-running');
  item.contextValue = RowContext.target;
  item.tooltip = target.process.command;
  item.accessibilityInformation = {
    label: t('Process {0}, {1}, {2}', targetName(target), pid, countText(target.patches.length)),
  };
  return item;
}

function patchItem(row: Row, patch: PatchState): TreeItem {
  const text = patchText(patch, { now: Date.now(), locale: env.language }, t);
  const item = textItem(row, text, patch.functions[0]);
  if (patch.functions.length > 1) item.collapsibleState = TreeItemCollapsibleState.Collapsed;
  item.contextValue = RowContext.patch;
  item.tooltip = patchTooltip(patch);
  return item;
}

function functionItem(row: Row, one: FunctionState): TreeItem {
  const item = textItem(row, functionText(one, t), one);
  item.contextValue = RowContext.function;
  item.tooltip = one.file;
  return item;
}

/** No resourceUri: it would colour the row by the problems and changes of its file, as if the patch had those. */
function textItem(row: Row, text: RowText, one: FunctionState | undefined): TreeItem {
  const item = new TreeItem(text.label);
  item.description = text.description;
  item.iconPath = stateIcon(text.state);
  item.accessibilityInformation = { label: text.spoken };
  if (!one) return item;
  item.command = { command: Command.showFunction, title: t('Show Function'), arguments: [row] };
  return item;
}

/** Not by colour alone: every state has its own icon. */
export function stateIcon(state: RowState): ThemeIcon {
  switch (state) {
    case 'applied':
      return new ThemeIcon('flame', new ThemeColor('charts.orange'));
    case 'pending':
      return new ThemeIcon('watch');
    case 'stale':
    case 'blocked':
      return new ThemeIcon('warning', new ThemeColor('list.warningForeground'));
    case 'refused':
      return new ThemeIcon('error', new ThemeColor('list.errorForeground'));
  }
}

/** Text of the catalogue and names of the user go in as text, so that nothing in them becomes a link or markup. */
function patchTooltip(patch: PatchState): MarkdownString {
  const tooltip = new MarkdownString();
  const age = spokenAge(Date.now() - patch.loadedAt, env.language, t);
  for (const line of patchDetails(patch)) tooltip.appendText(line).appendMarkdown('\n\n');
  const engines = [...new Set(patch.functions.map((one) => one.engine))].join(', ');
  tooltip.appendText(t('Loaded {0} with {1}', age, engines)).appendMarkdown('\n\n');
  return tooltip.appendMarkdown('`').appendText(patch.id.slice(0, 12)).appendMarkdown('`');
}

function setContext<K extends keyof ContextKeys>(key: K, value: ContextKeys[K]): void {
  void commands.executeCommand(BuiltIn.setContext, key, value);
}
