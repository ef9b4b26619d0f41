import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { format } from 'node:util';

/**
 * What VS Code calls in the extension host: runs every test bundle beside this one.
 * @throws when a test fails; VS Code makes an exit code of that
 */
export async function run(): Promise<void> {
  process.setSourceMapsEnabled(true);
  // Imported when it is needed: mocha is a module, and this bundle is not.
  const { default: Mocha } = await import('mocha');
  // VS Code mixes what is printed here with its own logs: by this mark scripts/vscode-server.mjs tells them apart.
  // eslint-disable-next-line no-console -- the way out of an extension host
  Mocha.reporters.Base.consoleLog = (...args) => console.log(`[tests] ${format(...args)}`);
  const mocha = new Mocha({ reporter: 'spec', timeout: 30_000, forbidOnly: process.env['CI'] !== undefined });
  const folder = join(__dirname, 'host');
  for (const name of await readdir(folder)) if (name.endsWith('.test.js')) mocha.addFile(join(folder, name));
  await mocha.loadFilesAsync();
  const failures = await new Promise<number>((done) => mocha.run(done));
  if (failures > 0) throw new Error(`${failures} of the tests in the editor failed`);
}
