import { commands, l10n, window, workspace } from 'vscode';
import { BuiltIn } from './ids.ts';

/**
 * True in a trusted workspace; elsewhere says why nothing happens. The manifest keeps the extension off in Restricted
 * Mode already; this is the second lock, since what a patch contains is run.
 */
export function trusted(): boolean {
  if (workspace.isTrusted) return true;
  void offerTrust();
  return false;
}

async function offerTrust(): Promise<void> {
  const manage = l10n.t('Manage Workspace Trust');
  const message = l10n.t(
    'Hot Patch runs the code of this folder in a process, so it needs a trusted workspace.',
  );
  if ((await window.showWarningMessage(message, manage)) === manage) {
    await commands.executeCommand(BuiltIn.manageTrust);
  }
}
