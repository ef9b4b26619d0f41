import assert from 'node:assert/strict';
import type { Locator, Page } from 'playwright-core';
import type { Program } from './program.ts';

// The hands of a user in a window of the editor: what is found is found by role and accessible name.

export async function open(page: Page, file: string): Promise<void> {
  await page.getByRole('treeitem', { name: file }).dblclick();
  // A picker closes when something else takes the focus.
  await page.locator('.editor-instance .monaco-editor.focused .view-line').first().waitFor();
}

export function line(page: Page, text: string): Locator {
  return page.locator('.monaco-editor .view-line', { hasText: text }).first();
}

/** Types over a 1-based line, keeping its indent. */
export async function replaceLine(page: Page, number: number, text: string): Promise<void> {
  await page.locator('.monaco-editor .view-line').first().click();
  await page.keyboard.press('Control+G');
  await page.locator('.quick-input-widget input').fill(`:${number}`);
  await page.keyboard.press('Enter');
  await page.keyboard.press('Home');
  await page.keyboard.press('Shift+End');
  await page.keyboard.type(text);
}

export async function attach(page: Page, program: Program): Promise<void> {
  await findCommand(page, 'Hot Patch: Attach to Running Process…');
  await page.keyboard.press('Enter');
  await choose(page, program);
  await status(page, 'no patches').waitFor();
}

/** Opens the palette with a command first in it. It has those of an extension only once that is loaded. */
export async function findCommand(page: Page, name: string): Promise<void> {
  const first = page.locator('.quick-input-widget').getByRole('option').first();
  for (let tries = 0; tries < 20; tries++) {
    await page.keyboard.press('F1');
    await page.locator('.quick-input-widget input').first().fill(`>${name}`);
    const shown = page.locator('.quick-input-widget .monaco-list-row.focused', { hasText: name });
    const isThere = shown.waitFor({ timeout: 1000 }).then(
      () => true,
      () => false,
    );
    if (await isThere) return;
    await page.keyboard.press('Escape');
    await first.waitFor({ state: 'hidden' });
  }
  assert.fail(`${name} is not in the palette`);
}

/** In the row of the program. Not its number alone: another pid may begin with it. */
export function pidOf(program: Program): RegExp {
  return new RegExp(`pid ${program.pid}\\b`);
}

/** Chooses a process in the open picker by what nothing else in it has; rows move while it fills. */
export async function choose(page: Page, program: Program): Promise<void> {
  const picker = page.locator('.quick-input-widget');
  await picker.locator('input').first().fill(`pid ${program.pid} ·`);
  await picker.locator('.monaco-list-row.focused', { hasText: pidOf(program) }).waitFor();
  await page.keyboard.press('Enter');
}

export function status(page: Page, text: string): Locator {
  return page.locator('.statusbar-item[id$="hotpatch.status"]', { hasText: text });
}

/** What the status bar says of problems. */
export function problems(page: Page, name: string): Locator {
  return page.locator('#status\\.problems').getByRole('button', { name });
}

export async function until<T>(ask: () => Promise<T>, wanted: (answer: T) => boolean): Promise<T> {
  for (const started = Date.now(); ;) {
    const answer = await ask();
    if (wanted(answer)) return answer;
    if (Date.now() - started > 15_000) assert.fail(JSON.stringify(answer));
    await new Promise((done) => setTimeout(done, 50));
  }
}
