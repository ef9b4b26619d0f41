import assert from 'node:assert/strict';
import type { Locator, Page } from 'playwright-core';
import { root } from '../support/doors.ts';
import { openEditor } from '../support/editor.ts';
import { startProgram, type Program } from '../support/program.ts';
import { hasServer } from '../support/vscodeServer.ts';

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

interface Answer {
  readonly price: number;
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
    await using editor = await openEditor({ workspace: program.folder, extensionPath: root });
    const { page } = editor;
    const before = await ask();
    assert.equal(before.price, 20);

    await open(page, 'service.cjs');
    await replaceLine(page, 6, 'return amount * 2000;');
    await line(page, 'return amount * 2000').click({ button: 'right' });
    await page.locator('.monaco-menu').getByRole('menuitem', { name: 'Hot Patch Function' }).click();

    // Nothing is attached yet: the picker opens and goes on with the patch.
    await choose(page, `pid ${program.pid}`);
    // The function has to be called once before it can be replaced.
    const after = await until(ask, (answer) => answer.price === 20_000);
    assert.ok(after.served > before.served, 'the state was kept');
    await status(page, '1 patch').waitFor();
    await editor.screenshot('patched');

    await status(page, '1 patch').click();
    const row = page.getByRole('treeitem', { name: /^Patch of price, in force, in service\.cjs/ });
    await row.waitFor();
    await page.getByRole('treeitem', { name: `pid ${program.pid}, 1 patch` }).waitFor();
    await row.hover();
    await row.getByRole('button', { name: /^Unload/ }).click();
    await row.waitFor({ state: 'detached' });
    await status(page, 'no patches').waitFor();
    assert.equal((await ask()).price, 20);

    await page.getByRole('treeitem', { name: `pid ${program.pid}` }).hover();
    await page.getByRole('button', { name: 'Detach' }).click();
    await page.getByRole('button', { name: 'Attach to Running Process…' }).last().waitFor();
    assert.equal(await status(page, 'patch').count(), 0);
  });

  it('says why, where and what to do when a patch is refused, until the text is edited', async () => {
    await using editor = await openEditor({ workspace: program.folder, extensionPath: root });
    const { page } = editor;
    await attach(page, program);
    await open(page, 'service.cjs');

    await replaceLine(page, 9, 'return amount + 100;');
    await line(page, 'return amount + 100').click();
    await page.keyboard.press('Control+Alt+H');
    const refusal = page.locator('.notification-toast', { hasText: 'HP2005' });
    await refusal.waitFor();
    assert.match(
      await refusal.innerText(),
      /taken \(service\.cjs:8\) was not patched\. A reference to taken/,
    );
    await refusal.getByRole('button', { name: 'Copy Details' }).waitFor();
    await problems(page, '1').waitFor();
    await editor.screenshot('refused');
    assert.equal((await ask()).price, 20);

    await replaceLine(page, 9, 'return amount + 1;');
    await problems(page, '0').waitFor();
  });

  it('closes the picker quietly on Escape, and does nothing then', async () => {
    await using editor = await openEditor({ workspace: program.folder, extensionPath: root });
    const { page } = editor;
    await open(page, 'service.cjs');
    await line(page, 'return amount * 2').click();
    await page.keyboard.press('Control+Alt+H');
    const picker = page.locator('.quick-input-widget');
    await picker.getByRole('option', { name: `pid ${program.pid}` }).waitFor();
    await page.keyboard.press('Escape');
    await picker.waitFor({ state: 'hidden' });
    assert.equal(await page.locator('.notification-toast').count(), 0);
    assert.equal(await status(page, 'patch').count(), 0);
    await assert.rejects(program.waitForNewOutput(/Debugger listening/, 200));
  });

  it('notices that a process has ended', async () => {
    await using editor = await openEditor({ workspace: program.folder, extensionPath: root });
    const { page } = editor;
    await attach(page, program);
    const row = page.getByRole('treeitem', { name: `pid ${program.pid}` });
    await row.waitFor();
    process.kill(program.pid);
    await row.waitFor({ state: 'detached' });
    await page.getByText(`Process ${program.pid} has ended`).waitFor();
  });

  it('offers nothing in a folder that is not trusted', async () => {
    await using editor = await openEditor({
      workspace: program.folder,
      extensionPath: root,
      trust: 'withheld',
    });
    const { page } = editor;
    await open(page, 'service.cjs');
    await line(page, 'return amount * 2').click({ button: 'right' });
    const menu = page.locator('.monaco-menu');
    await menu.getByRole('menuitem', { name: 'Copy', exact: true }).waitFor();
    assert.equal(await menu.getByRole('menuitem', { name: /Hot Patch/ }).count(), 0);
  });
});

async function open(page: Page, file: string): Promise<void> {
  await page.getByRole('treeitem', { name: file }).dblclick();
  await page.locator('.monaco-editor .view-line').first().waitFor();
}

function line(page: Page, text: string): Locator {
  return page.locator('.monaco-editor .view-line', { hasText: text }).first();
}

/** Types over a 1-based line, keeping its indent. */
async function replaceLine(page: Page, number: number, text: string): Promise<void> {
  await page.locator('.monaco-editor .view-line').first().click();
  await page.keyboard.press('Control+G');
  await page.locator('.quick-input-widget input').fill(`:${number}`);
  await page.keyboard.press('Enter');
  await page.keyboard.press('Home');
  await page.keyboard.press('Shift+End');
  await page.keyboard.type(text);
}

async function attach(page: Page, program: Program): Promise<void> {
  await page.keyboard.press('F1');
  await page.locator('.quick-input-widget input').fill('>Attach to Running Process');
  await page.getByRole('option', { name: /Attach to Running Process/ }).click();
  await choose(page, `pid ${program.pid}`);
  await status(page, 'no patches').waitFor();
}

/** Chooses what the open picker comes to show. */
async function choose(page: Page, name: string): Promise<void> {
  await page.locator('.quick-input-widget').getByRole('option', { name }).click();
}

function status(page: Page, text: string): Locator {
  return page.locator('.statusbar-item[id$="hotpatch.status"]', { hasText: text });
}

/** How many problems the status bar counts, by their sum. */
function problems(page: Page, count: string): Locator {
  const name = count === '0' ? 'No Problems' : `Warnings: ${count}`;
  return page.locator('#status\\.problems').getByRole('button', { name });
}

async function until<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> {
  for (const started = Date.now(); ;) {
    const answer = await ask();
    if (wanted(answer)) return answer;
    if (Date.now() - started > 15_000) assert.fail(JSON.stringify(answer));
    await new Promise((done) => setTimeout(done, 50));
  }
}
