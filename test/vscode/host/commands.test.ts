import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { CODES } from '../../../agent/protocol.ts';
import type { PatchReport } from '../../../extension/session/report.ts';
import type { HotPatchApi } from '../../../extension/vscode/extension.ts';
import { Command } from '../../../extension/vscode/ids.ts';

const program = `
let calls = 0;
function price(amount) {
  calls += 1;
  return amount * 2;
}
setInterval(() => console.log(price(10)), 20);
console.log('ready');
`.trimStart();

// What no window test can see: what commands return, and the diagnostics. Runs in the desktop editor as well.
describe('the commands of Hot Patch', () => {
  let folder: string;
  let child: ChildProcess;
  let api: HotPatchApi;
  let printed = '';

  before(async () => {
    // The workbench in a browser saves by itself.
    await vscode.workspace
      .getConfiguration('files')
      .update('autoSave', 'off', vscode.ConfigurationTarget.Global);
    api = (await vscode.extensions.getExtension<HotPatchApi>('hotpatch.hotpatch')!.activate())!;
    folder = await mkdtemp(join(tmpdir(), 'hotpatch-commands-'));
    await writeFile(join(folder, 'price.cjs'), program);
    child = spawn('node', [join(folder, 'price.cjs')], { stdio: ['ignore', 'pipe', 'ignore'] });
    child.stdout!.on('data', (text) => (printed += String(text)));
    await once(child.stdout!, 'data');
  });
  after(async () => {
    child.kill();
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    await rm(folder, { recursive: true, force: true });
  });

  const patch = (): Thenable<PatchReport | undefined> =>
    vscode.commands.executeCommand(Command.patchFunction);

  /** Opens the program at a 0-based line and replaces `before` in it, unsaved. */
  async function edit(line: number, before: string, after: string): Promise<vscode.TextDocument> {
    const document = await vscode.workspace.openTextDocument(join(folder, 'price.cjs'));
    const editor = await vscode.window.showTextDocument(document);
    const start = document.positionAt(document.getText().indexOf(before));
    const range = new vscode.Range(start, start.translate(0, before.length));
    await editor.edit((builder) => builder.replace(range, after));
    editor.selection = new vscode.Selection(line, 2, line, 2);
    return document;
  }

  it('attach to a process, patch it with unsaved text and give the report back', async () => {
    assert.equal(await vscode.commands.executeCommand(Command.attach, child.pid), child.pid);
    const document = await edit(3, 'amount * 2', 'amount * 200');
    const report = await patch();
    assert.deepEqual(
      report?.targets.map((one) => [one.function, one.status]),
      [['price', 'applied']],
    );
    assert.ok(document.isDirty);
    printed = '';
    await once(child.stdout!, 'data');
    assert.match(printed, /^2000$/m);

    const [target] = api.targets();
    assert.deepEqual([target?.pid, target?.patches.map(({ id }) => id)], [child.pid, [report?.patchId]]);
  });

  it('mark a refusal at its function, with its code, until the text is edited', async () => {
    const document = await edit(0, 'let calls', 'function fresh() {}\nlet calls');
    const report = await patch();
    assert.equal(report?.patchId, null);
    const ours = () =>
      vscode.languages.getDiagnostics(document.uri).filter(({ source }) => source === 'Hot Patch');
    await until(() => ours().length === 1);
    const [mark] = ours();
    assert.equal(mark?.code, CODES.functionNotRunning);
    assert.equal(mark?.range.start.line, 0);
    assert.equal(mark?.severity, vscode.DiagnosticSeverity.Warning);
    await edit(0, 'function fresh() {}\n', '');
    await until(() => ours().length === 0);
  });

  it('unload everything, and let go of the process without ending it', async () => {
    await vscode.commands.executeCommand(Command.unloadAll);
    assert.deepEqual(api.targets()[0]?.patches, []);
    await vscode.commands.executeCommand(Command.detach, { kind: 'target', pid: child.pid });
    assert.deepEqual(api.targets(), []);
    printed = '';
    await once(child.stdout!, 'data');
    assert.match(printed, /^20$/m);
    assert.equal(child.exitCode, null);
  });
});

async function until(holds: () => boolean): Promise<void> {
  for (const started = Date.now(); !holds();) {
    assert.ok(Date.now() - started < 10_000, 'in time');
    await new Promise((done) => setTimeout(done, 20));
  }
}
