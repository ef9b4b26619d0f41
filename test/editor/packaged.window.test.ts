import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../support/doors.ts';
import { openEditor } from '../support/editor.ts';
import { startProgram } from '../support/program.ts';
import { buildSample } from '../support/sample.ts';
import { hasServer } from '../support/vscodeServer.ts';
import { choose, line, replaceLine, status, until } from '../support/window.ts';

/** The packaged extension, as `npm run package` has just made it. */
function vsix(): string {
  const name = readdirSync(root).find((each) => each.endsWith('.vsix'));
  assert.ok(name, 'npm run package has made a .vsix');
  return join(root, name);
}

describe('the package, installed into VS Code', function () {
  this.timeout(120_000);
  let folder: string;

  before(function () {
    if (!hasServer()) this.skip();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hotpatch-packaged-'));
    await buildSample(folder);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  // TypeScript, so that the esbuild inside the package is what compiles.
  it('patches the TypeScript of the sample service by right click, unsaved, and unloads it by the inline button', async () => {
    await using program = await startProgram(folder, { entry: 'dist/service.js' });
    const total = async () => {
      const answer = (await (await program.fetch('/?amount=3')).json()) as { quote: { total: number } };
      return answer.quote.total;
    };
    await using editor = await openEditor({
      workspace: folder,
      vsix: vsix(),
      settings: { 'files.autoSave': 'off', 'workbench.colorTheme': 'Dark Modern' },
    });
    const { page, screenshot } = editor;
    try {
      assert.equal(await total(), 30);
      await page.getByRole('treeitem', { name: 'src' }).click();
      await page.getByRole('treeitem', { name: 'pricing.ts' }).dblclick();
      await replaceLine(page, 12, 'return { amount, total: amount * rate.price * 100, note: rate.name };');
      await line(page, '* 100').click({ button: 'right' });
      const item = page.locator('.monaco-menu').getByRole('menuitem', { name: /^Hot Patch Function/ });
      await item.waitFor();
      await screenshot('package-right-click');
      await item.click();
      await choose(page, program);
      await until(total, (answer) => answer === 3000);
      const saved = await readFile(join(folder, 'src', 'pricing.ts'), 'utf8');
      assert.doesNotMatch(saved, /\* 100/, 'nothing was saved');

      await status(page, '1 patch').click();
      const row = page.getByRole('treeitem', { name: /^Patch of quote/ });
      await row.hover();
      await row.getByRole('button', { name: /^Unload/ }).waitFor();
      await screenshot('package-view');
      await row.getByRole('button', { name: /^Unload/ }).click();
      await row.waitFor({ state: 'detached' });
      assert.equal(await total(), 30);
    } catch (error) {
      await screenshot('failed-package');
      throw error;
    }
  });
});
