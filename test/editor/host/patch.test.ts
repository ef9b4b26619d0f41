import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { PatchReport } from '../../../extension/session/report.ts';
import type { HotPatchApi } from '../../../extension/vscode/extension.ts';

const text = `let ticks = 0;
function add(a, b) {
  ticks += 1;
  return a + b;
}
setInterval(() => console.log('sum ' + add(1, 2) + ' tick ' + ticks), 20);
`;

describe('the commands, in the extension host', () => {
  let folder: string;
  let file: string;
  let program: ChildProcess;
  let api: HotPatchApi;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hotpatch-host-'));
    file = join(folder, 'ticker.js');
    await writeFile(file, text);
    program = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'ignore'] });
    await printed(/sum 3/);
    api = await vscode.extensions.getExtension<HotPatchApi>('hotpatch.hotpatch')!.activate();
  });
  afterEach(async () => {
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    program.kill('SIGKILL');
    await once(program, 'close');
    await rm(folder, { recursive: true, force: true });
  });

  /** Resolves with the match in what the program prints from now on. */
  function printed(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((done) => {
      const look = (chunk: Buffer) => {
        const match = pattern.exec(chunk.toString());
        if (!match) return;
        program.stdout!.off('data', look);
        done(match);
      };
      program.stdout!.on('data', look);
    });
  }

  /** Types over a 0-based line and leaves the cursor there, unsaved. */
  async function edit(line: number, words: string): Promise<vscode.TextEditor> {
    const editor = await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(file));
    await editor.edit((builder) => builder.replace(editor.document.lineAt(line).range, words));
    editor.selection = new vscode.Selection(line, 2, line, 2);
    return editor;
  }

  it('attach by pid, patch the unsaved function at the cursor, tell other extensions, unload', async () => {
    await vscode.commands.executeCommand('hotpatch.attach', program.pid);
    assert.deepEqual(api.targets(), [{ pid: program.pid, patches: [] }]);
    const editor = await edit(3, '  return (a + b) * 10;');
    const report = await vscode.commands.executeCommand<PatchReport>('hotpatch.patchFunction');
    assert.deepEqual(
      report.targets.map(({ function: name, status, engine }) => [name, status, engine]),
      [['add', 'applied', 'scope-binding']],
    );
    assert.equal(editor.document.isDirty, true, 'nothing was saved');
    const [, tick] = await printed(/sum 30 tick (\d+)/);
    assert.ok(Number(tick) > 1, 'the state was kept');
    assert.deepEqual(
      api.targets()[0]?.patches.map(({ id, title }) => [id, title]),
      [[report.patchId, 'add']],
    );

    await vscode.commands.executeCommand('hotpatch.unloadAll');
    await printed(/sum 3 /);
    assert.deepEqual(api.targets()[0]?.patches, []);
  });

  it('say of a refused patch where it is, by a diagnostic with its code, until it is edited', async () => {
    await vscode.commands.executeCommand('hotpatch.attach', program.pid);
    const editor = await edit(3, '  return missing(a, b);');
    const missing = 'function missing() { return 0; }\n';
    await editor.edit((builder) => builder.insert(new vscode.Position(0, 0), missing));
    const report = await vscode.commands.executeCommand<PatchReport>('hotpatch.patchFunction');
    assert.deepEqual(
      report.targets.map(({ function: name, status, code }) => [name, status, code]),
      [['add', 'refused', 'HP2004']],
    );
    const codes = () =>
      vscode.languages
        .getDiagnostics(editor.document.uri)
        .map(({ code }) => (typeof code === 'object' ? code.value : code));
    assert.ok(codes().includes('HP2004'), JSON.stringify(codes()));
    await printed(/sum 3 /);
    await editor.edit((builder) => builder.insert(new vscode.Position(4, 2), ' '));
    assert.ok(!codes().includes('HP2004'), JSON.stringify(codes()));
  });
});
