import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Page } from 'playwright-core';
import { openEditor } from '../support/editor.ts';
import { hasServer } from '../support/vscodeServer.ts';

// The door itself, with an extension that has nothing to do with ours.
const manifest = {
  name: 'throw-away',
  publisher: 'test',
  version: '0.0.1',
  engines: { vscode: '^1.100.0' },
  main: 'main.js',
  contributes: {
    commands: [{ command: 'throwAway.greet', title: 'Greet' }],
    menus: { 'editor/context': [{ command: 'throwAway.greet' }] },
  },
};
const main = `
  const { commands, window } = require('vscode');
  exports.activate = () => commands.registerCommand('throwAway.greet', () => window.showInformationMessage('Good day'));
`;

describe('a window of the editor', function () {
  this.timeout(120_000);
  let folder: string;
  let workspace: string;

  before(function () {
    if (!hasServer()) this.skip();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hotpatch-window-'));
    workspace = join(folder, 'workspace');
    await writeFiles(workspace, { 'main.js': 'function add(a, b) {\n  return a + b;\n}\n' });
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('opens quietly, with the extension under development', async () => {
    const extensionPath = join(folder, 'extension');
    await writeFiles(extensionPath, { 'package.json': JSON.stringify(manifest), 'main.js': main });
    await using editor = await openEditor({
      workspace,
      extensionPath,
      settings: { 'workbench.colorTheme': 'Dark Modern' },
    });
    const { page } = editor;

    await page.getByRole('treeitem', { name: 'main.js' }).dblclick();
    await page.locator('.monaco-editor .view-line', { hasText: 'return a + b' }).click({ button: 'right' });
    await page.locator('.monaco-menu').getByRole('menuitem', { name: 'Greet' }).click();
    await shown(page, 'Good day');
    await editor.screenshot('door-development');

    assert.equal(await page.locator('.part.auxiliarybar').isVisible(), false, 'no chat');
    assert.deepEqual(await page.locator('.tabs-container .tab').allTextContents(), ['main.js'], 'no welcome');
    assert.deepEqual(await page.locator('.notification-list-item-message').allTextContents(), ['Good day']);
    assert.match((await page.locator('.monaco-workbench').getAttribute('class'))!, /\bvs-dark\b/);
  });

  it('opens with a packaged extension, and without trust when it is told to', async () => {
    const vsix = join(folder, 'throw-away.vsix');
    const files = {
      'extension.vsixmanifest': vsixManifest,
      'extension/package.json': JSON.stringify(manifest),
      'extension/main.js': main,
    };
    await writeFile(vsix, zip(files));
    await using editor = await openEditor({ workspace, vsix, trust: 'withheld' });
    const { page } = editor;

    await page.locator('.statusbar-item', { hasText: 'Restricted Mode' }).click();
    await editor.screenshot('door-restricted');
    await page.locator('.workspace-trust-editor').getByRole('button', { name: 'Trust', exact: true }).click();
    await page.locator('.statusbar-item', { hasText: 'Restricted Mode' }).waitFor({ state: 'hidden' });
    await page.keyboard.press('F1');
    await page.keyboard.type('Greet');
    await page.getByRole('option', { name: 'Greet' }).click();
    await shown(page, 'Good day');
    await editor.screenshot('door-packaged');
  });
});

async function shown(page: Page, message: string): Promise<void> {
  await page.locator('.notification-list-item-message', { hasText: message }).waitFor();
}

async function writeFiles(folder: string, files: Record<string, string>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    const file = join(folder, name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
}

const vsixManifest = `<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">
  <Metadata>
    <Identity Language="en-US" Id="throw-away" Version="0.0.1" Publisher="test"/>
    <DisplayName>Throw-away</DisplayName>
  </Metadata>
  <Installation><InstallationTarget Id="Microsoft.VisualStudio.Code"/></Installation>
  <Assets><Asset Type="Microsoft.VisualStudio.Code.Manifest" Path="extension/package.json" Addressable="true"/></Assets>
</PackageManifest>`;

/** A zip file without compression (APPNOTE.TXT 4.3: local headers with their data, the directory, its end). */
function zip(files: Record<string, string>): Buffer {
  const data: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const content = Buffer.from(text);
    // Version, flags, method, time, date; checksum, both sizes; lengths of the name and of nothing more.
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), content]);
    const where = Buffer.alloc(14);
    where.writeUInt32LE(offset, 10);
    directory.push(
      Buffer.concat([Buffer.from('PK\x01\x02\x14\0', 'latin1'), common, where, Buffer.from(name)]),
    );
    data.push(local);
    offset += local.length;
  }
  const entries = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(directory.length, 8);
  end.writeUInt16LE(directory.length, 10);
  end.writeUInt32LE(entries.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...data, entries, end]);
}
