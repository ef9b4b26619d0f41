import assert from 'node:assert/strict';
import * as vscode from 'vscode';

describe('the editor', () => {
  it('is VS Code, with its own JavaScript debugger', () => {
    assert.match(vscode.version, /^1\.\d+\.\d+/);
    assert.ok(vscode.extensions.getExtension('ms-vscode.js-debug'));
  });

  it('has the workspace open', async () => {
    const [main] = await vscode.workspace.findFiles('main.js');
    assert.ok(main);
    const document = await vscode.workspace.openTextDocument(main);
    assert.equal(document.languageId, 'javascript');
  });

  it('activates the extension under test', async () => {
    const extension = vscode.extensions.getExtension('hotpatch.hotpatch');
    assert.ok(extension);
    await extension.activate();
    assert.ok(extension.isActive);
  });
});
