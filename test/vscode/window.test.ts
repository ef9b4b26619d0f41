import assert from 'node:assert/strict';
import { root } from '../support/doors.ts';
import { openEditor, type Editor } from '../support/editor.ts';
import { allNodes } from '../support/nodes.ts';
import { startProgram, type Program } from '../support/program.ts';
import { hasServer } from '../support/vscodeServer.ts';
import {
  attach,
  choose,
  findCommand,
  line,
  open,
  pidOf,
  problems,
  replaceLine,
  status,
  until,
} from '../support/window.ts';

const service = `
const http = require('node:http');
let served = 0;
function price(amount) {
  served += 1;
  return amount * 2;
}
function taken(amount) {
  return amount + 1;
}
const table = { taken };
const server = http.createServer((request, response) => {
  response.end(JSON.stringify({ price: price(10), taken: table.taken(1), served }));
});
server.listen(0, '127.0.0.1', () => console.log('listening ' + server.address().port));
`.trimStart();

/** The binding for Linux, where the server of the editor runs. */
const patchKey = 'Control+Alt+H';

const attachCommand = 'Hot Patch: Attach to Running Process…';

interface Answer {
  readonly price: number;
  readonly taken: number;
  readonly served: number;
}

describe('Hot Patch in a window of the editor', function () {
  this.timeout(120_000);
  let program: Program;

  before(function () {
    if (!hasServer()) this.skip();
  });
  beforeEach(async () => {
    program = await startProgram({ 'service.cjs': service });
  });
  afterEach(async () => {
    await program[Symbol.asyncDispose]();
  });

  const ask = async (): Promise<Answer> => (await (await program.fetch('/')).json()) as Answer;

  it('replaces the function under the cursor from unsaved text, lists the patch and unloads it', async () => {
    await inWindow(program.folder, async ({ page, screenshot }) => {
      const before = await ask();
      assert.equal(before.price, 20);

      await open(page, 'service.cjs');
      await replaceLine(page, 5, 'return amount * 2000;');
      await line(page, 'return amount * 2000').click({ button: 'right' });
      await page.locator('.monaco-menu').getByRole('menuitem', { name: 'Hot Patch Function' }).click();

      // Nothing is attached yet: the picker opens and goes on with the patch.
      await choose(page, program);
      // The function has to be called once before it can be replaced.
      const after = await until(ask, (answer) => answer.price === 20_000);
      assert.ok(after.served > before.served, 'the state was kept');
      await status(page, '1 patch').waitFor();
      await screenshot('patched');

      await status(page, '1 patch').click();
      const row = page.getByRole('treeitem', { name: /^Patch of price, in force, in service\.cjs/ });
      await row.waitFor();
      await page.getByRole('treeitem', { name: new RegExp(`pid ${program.pid}, 1 patch$`) }).waitFor();
      await row.hover();
      await row.getByRole('button', { name: /^Unload/ }).click();
      await row.waitFor({ state: 'detached' });
      await status(page, 'no patches').waitFor();
      assert.equal((await ask()).price, 20);

      await page.getByRole('treeitem', { name: pidOf(program) }).hover();
      await page.getByRole('button', { name: 'Detach' }).click();
      await page.getByRole('button', { name: 'Attach to Running Process…' }).last().waitFor();
      await status(page, 'patch').waitFor({ state: 'hidden' });
    });
  });

  it('says why, where and what to do when a patch is refused, until the text is edited', async () => {
    await inWindow(program.folder, async ({ page, screenshot }) => {
      await open(page, 'service.cjs');
      await attach(page, program);
      await replaceLine(page, 15, 'function fresh() {}');
      await page.keyboard.press(patchKey);
      const refusal = page.locator('.notification-toast', { hasText: 'HP2002' });
      await refusal.waitFor();
      assert.match(
        await refusal.innerText(),
        /fresh \(service\.cjs:15\) was not patched\. .+ Patch the function/,
      );
      await refusal.getByRole('button', { name: 'Copy Details' }).waitFor();
      await problems(page, 'Warnings: 1').waitFor();
      await screenshot('refused');

      await page.keyboard.press('Space');
      await problems(page, 'No Problems').waitFor();
    });
  });

  it('asks before it risks a process, once', async () => {
    const node = allNodes().find(({ major }) => major === 24);
    await using risky = await startProgram({ 'service.cjs': service }, node ? { node } : {});
    await inWindow(risky.folder, async ({ page, screenshot }) => {
      await open(page, 'service.cjs');
      await attach(page, risky);
      await replaceLine(page, 8, 'return amount + 100;');
      await page.keyboard.press(patchKey);
      const dialog = page.getByRole('dialog', { name: /with live edit\?/ });
      await dialog.getByText('some live edits crash the process afterwards').waitFor();
      await screenshot('consent');
      await dialog.getByRole('button', { name: 'Cancel' }).click();
      await dialog.waitFor({ state: 'hidden' });
      await status(page, 'no patches').waitFor();

      await page.keyboard.press(patchKey);
      await dialog.getByRole('button', { name: 'Patch Anyway' }).click();
      await status(page, '1 patch').waitFor();
      const { taken } = (await (await risky.fetch('/')).json()) as Answer;
      assert.equal(taken, 101);

      await replaceLine(page, 8, 'return amount + 200;');
      await page.keyboard.press(patchKey);
      await until(
        async () => (await (await risky.fetch('/')).json()) as Answer,
        (answer) => answer.taken === 201,
      );
      assert.equal(await dialog.count(), 0);
    });
  });

  it('closes the picker quietly on Escape, and does nothing then', async () => {
    await inWindow(program.folder, async ({ page }) => {
      await open(page, 'service.cjs');
      await line(page, 'return amount * 2').click();
      await page.keyboard.press(patchKey);
      const picker = page.locator('.quick-input-widget');
      await picker
        .getByRole('option', { name: /pid \d+/ })
        .first()
        .waitFor();
      await page.keyboard.press('Escape');
      await picker.waitFor({ state: 'hidden' });
      assert.equal(await page.locator('.notification-toast').count(), 0);
      assert.equal(await status(page, 'patch').count(), 0);
      await assert.rejects(program.waitForNewOutput(/Debugger listening/, 200));
    });
  });

  it('notices that a process has ended', async () => {
    await inWindow(program.folder, async ({ page }) => {
      await attach(page, program);
      const row = page.getByRole('treeitem', { name: pidOf(program) });
      await row.waitFor();
      process.kill(program.pid);
      await row.waitFor({ state: 'detached' });
      await page.getByText(`Process ${program.pid} has ended`).waitFor();
    });
  });

  it('offers nothing in a folder that is not trusted', async () => {
    await inWindow(
      program.folder,
      async ({ page }) => {
        await open(page, 'service.cjs');
        await line(page, 'return amount * 2').click({ button: 'right' });
        const menu = page.locator('.monaco-menu');
        await menu.getByRole('menuitem', { name: 'Copy', exact: true }).waitFor();
        assert.equal(await menu.getByRole('menuitem', { name: /Hot Patch/ }).count(), 0);
      },
      { trust: 'withheld' },
    );
  });
});

/** Runs a test in a window of its own, and keeps a picture of it when it fails. */
async function inWindow(
  workspace: string,
  work: (editor: Editor) => Promise<void>,
  options: { readonly trust?: 'withheld' } = {},
): Promise<void> {
  await using editor = await openEditor({
    workspace,
    extensionPath: root,
    settings: { 'files.autoSave': 'off' },
    ...options,
  });
  try {
    if (!options.trust) {
      // Menus and keys wait for the workspace to be trusted, which VS Code knows a little later than the rest.
      await findCommand(editor.page, attachCommand);
      await editor.page.keyboard.press('Escape');
    }
    await work(editor);
  } catch (error) {
    await editor.screenshot(`failed-${Date.now()}`);
    throw error;
  }
}
