import type { Event, ExtensionContext } from 'vscode';
import type { PatchState } from '../../agent/protocol.ts';
import { Attacher } from './attach.ts';
import { registerCommands } from './commands.ts';
import { Command } from './ids.ts';
import { Log } from './log.ts';
import { Marks } from './marks.ts';
import { FunctionPatcher } from './patchFunction.ts';
import { PatchesView } from './patchesView.ts';
import { Reporter } from './report.ts';
import { StatusBar } from './statusBar.ts';
import { TargetChoice } from './targetChoice.ts';
import { openSession, Targets } from './targets.ts';
import { Unloader } from './unload.ts';

/** What other extensions get from `activate`. Commands do the rest: they take arguments and return reports. */
export interface HotPatchApi {
  readonly version: 1;
  /** The attached processes and what is loaded in each, oldest patch first. */
  targets(): readonly { readonly pid: number; readonly patches: readonly PatchState[] }[];
  readonly onDidChange: Event<void>;
}

export function activate(context: ExtensionContext): HotPatchApi {
  const log = new Log();
  const marks = new Marks();
  const reporter = new Reporter(log, marks);
  const targets = new Targets(openSession(), log);
  const attacher = new Attacher(targets, reporter);
  const choice = new TargetChoice(targets, attacher);
  const patcher = new FunctionPatcher(targets, choice, reporter, log);
  const unloader = new Unloader(targets, reporter, log);
  const view = new PatchesView(targets);
  const statusBar = new StatusBar(targets);

  const registered = registerCommands(
    {
      [Command.patchFunction]: () => patcher.patchHere(),
      [Command.patchFunctionIn]: () => patcher.patchIn(),
      [Command.attach]: async (pid) => view.reveal(await attacher.start(pid)),
      [Command.detach]: (row) => row && targets.detach(row.pid),
      [Command.unload]: (row, selected) => unloader.unload(view.chosen(row, selected)),
      [Command.unloadAll]: (row) => unloader.unloadAll(row),
      [Command.showFunction]: (row) => row && view.showFunction(row),
      [Command.showLog]: () => log.show(),
    },
    reporter,
  );
  const ends = targets.onDidEnd((target) => reporter.lost(target));

  context.subscriptions.push(...registered, ends, statusBar, view, patcher, targets, marks, log);
  return {
    version: 1,
    targets: () => targets.all.map(({ pid, patches }) => ({ pid, patches })),
    onDidChange: targets.onDidChange,
  };
}
