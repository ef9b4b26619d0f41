// Runs the tests in test/editor/host inside the extension host of a real VS Code.
//   node scripts/test-editor.mjs                        builds the extension of this checkout first
//   node scripts/test-editor.mjs --extension <folder>   takes one that is built
import { TestRunFailedError, runTests } from '@vscode/test-electron';
import { build } from 'esbuild';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { tsImport } from 'tsx/esm/api';
import { ensureEditor } from './doors.mjs';

const { makeProfile } = await tsImport('../test/support/vscodeServer.ts', import.meta.url);
const { startKeeper } = await tsImport('../test/support/keeper.ts', import.meta.url);

const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Runs the host tests on an extension.
 * @param extension the folder with its package.json, built
 * @returns 0 when all of them passed, else the exit code of the editor
 */
export async function testInHost(extension) {
  const editor = await ensureEditor();
  await buildHostTests();
  const folder = await mkdtemp(join(tmpdir(), 'hotpatch-host-'));
  const keeper = startKeeper(folder);
  keeper.remove(folder);
  try {
    const workspace = join(folder, 'workspace');
    await makeWorkspace(workspace);
    return await runTests({
      vscodeExecutablePath:
        editor.kind === 'server' ? join(root, 'scripts', 'vscode-server.mjs') : editor.path,
      extensionDevelopmentPath: extension,
      extensionTestsPath: join(root, 'dist', 'test', 'host.js'),
      // All that works in the folder carries its path: by that the keeper knows it.
      extensionTestsEnv: { HOTPATCH_TEST_HOST: folder },
      launchArgs: [
        workspace,
        `--user-data-dir=${await makeProfile(join(folder, 'user'))}`,
        `--extensions-dir=${join(folder, 'extensions')}`,
      ],
    });
  } catch (error) {
    // What failed has been printed.
    if (error instanceof TestRunFailedError) return error.code ?? 1;
    throw error;
  } finally {
    await keeper.close();
  }
}

/** One bundle for each file of tests, and the one that VS Code calls. */
async function buildHostTests() {
  const folders = [join(root, 'test', 'editor', 'host'), join(root, 'test', 'vscode', 'host')];
  const tests = [];
  for (const folder of folders) {
    const names = (await readdir(folder)).filter((name) => name.endsWith('.test.ts'));
    tests.push(
      ...names.map((name) => ({ in: join(folder, name), out: `host/${name.slice(0, -'.ts'.length)}` })),
    );
  }
  await rm(join(root, 'dist', 'test'), { recursive: true, force: true });
  await build({
    entryPoints: [{ in: join(folders[0], 'index.ts'), out: 'host' }, ...tests],
    outdir: join(root, 'dist', 'test'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    // That of the oldest VS Code the extension supports.
    target: 'node20',
    external: ['vscode', 'mocha'],
    sourcemap: 'inline',
    logLevel: 'warning',
  });
}

async function makeWorkspace(folder) {
  await mkdir(folder);
  await writeFile(
    join(folder, 'main.js'),
    'function add(a, b) {\n  return a + b;\n}\nconsole.log(add(1, 2));\n',
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { extension: { type: 'string' } } });
  try {
    if (!values.extension) await (await import('./build.mjs')).buildAll();
    process.exitCode = await testInHost(resolve(values.extension ?? root));
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
