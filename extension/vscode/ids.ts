import type { Disposable, commands as Commands, Uri } from 'vscode';
import type { Row } from './rows.ts';

/** Every id the extension shares with VS Code. Nowhere else is one written; test/vscode/manifest.test.ts compares. */
export const Command = {
  patchFunction: 'hotpatch.patchFunction',
  patchFunctionIn: 'hotpatch.patchFunctionIn',
  attach: 'hotpatch.attach',
  detach: 'hotpatch.detach',
  unload: 'hotpatch.unload',
  unloadAll: 'hotpatch.unloadAll',
  showFunction: 'hotpatch.showFunction',
  showLog: 'hotpatch.showLog',
} as const;

export type CommandId = (typeof Command)[keyof typeof Command];

/** What VS Code hands to each command. Every argument is optional: the palette and key bindings give none. */
export interface CommandArguments {
  [Command.patchFunction]: [clicked?: Uri];
  [Command.patchFunctionIn]: [clicked?: Uri];
  /** With a pid the picker is skipped. */
  [Command.attach]: [pid?: number];
  [Command.detach]: [row?: Row];
  [Command.unload]: [row?: Row, selected?: readonly Row[]];
  [Command.unloadAll]: [row?: Row];
  [Command.showFunction]: [row?: Row];
  [Command.showLog]: [];
}

/** Commands that make no sense without a row of the view, so the palette does not offer them. */
export const rowCommands: readonly CommandId[] = [Command.detach, Command.unload, Command.showFunction];

export const View = { patches: 'hotpatch.patches' } as const;

/** Commands that VS Code makes for us or has itself. */
export const BuiltIn = {
  focusPatches: `${View.patches}.focus`,
  manageTrust: 'workbench.trust.manage',
  open: 'vscode.open',
  setContext: 'setContext',
} as const;

export const settings = {
  section: 'hotpatch',
  allowLiveEdit: 'allowLiveEdit',
} as const;

/** Context keys for `when` clauses, with the type of each. */
export interface ContextKeys {
  'hotpatch.targetCount': number;
  'hotpatch.patchCount': number;
}

export const contextKeys = {
  targetCount: 'hotpatch.targetCount',
  patchCount: 'hotpatch.patchCount',
} as const satisfies Record<string, keyof ContextKeys>;

/** `TreeItem.contextValue` of each kind of row. */
export const RowContext = { target: 'target', patch: 'patch', function: 'function' } as const;

/** Languages whose editors can be patched from. */
export const languages: readonly string[] = [
  'typescript',
  'javascript',
  'typescriptreact',
  'javascriptreact',
];

/** Registers a command with the arguments that belong to its id. `commands` is passed in, so that tests need no editor. */
export function registerCommand<K extends CommandId>(
  commands: Pick<typeof Commands, 'registerCommand'>,
  id: K,
  run: (...args: CommandArguments[K]) => unknown,
): Disposable {
  return commands.registerCommand(id, run as (...args: unknown[]) => unknown);
}
