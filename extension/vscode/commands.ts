import { commands, type Disposable } from 'vscode';
import { Command, registerCommand, type CommandArguments, type CommandId } from './ids.ts';
import type { Reporter } from './report.ts';
import { trusted } from './trust.ts';

/** One handler for every command; the compiler refuses a forgotten one. */
export type Handlers = { readonly [K in CommandId]: (...args: CommandArguments[K]) => unknown };

/** Registers all commands. Each runs in a trusted workspace only, and what it throws is shown, never lost. */
export function registerCommands(handlers: Handlers, reporter: Reporter): Disposable[] {
  const register = <K extends CommandId>(id: K): Disposable =>
    registerCommand(commands, id, async (...args) => {
      if (!trusted()) return undefined;
      try {
        return await handlers[id](...args);
      } catch (error) {
        void reporter.fault(error);
        return undefined;
      }
    });
  return Object.values(Command).map((id) => register(id));
}
