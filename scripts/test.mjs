// npm test: everything, in the order in which it fails fastest. --fast stops before other Nodes and the editor.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ensureDependencies, root } from './dependencies.mjs';

const isFast = process.argv.includes('--fast');
const bin = (name, file) => [process.execPath, join(root, 'node_modules', name, file)];
const counts = { passed: 0, failed: 0 };

/** Runs a step with its output shown as it comes. Counts what mocha says; the exit status decides. */
async function step(title, [command, ...args]) {
  const started = performance.now();
  process.stdout.write(`\n▸ ${title}\n`);
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk) => {
    process.stdout.write(chunk);
    output += chunk;
  });
  const status = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  counts.passed += sum(output, /(\d+) passing/g);
  counts.failed += sum(output, /(\d+) failing/g);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`  ${status === 0 ? '✔' : '✘'} ${title}, ${seconds} s\n`);
  if (status !== 0) throw new Error(`${title} failed`);
}

function sum(output, pattern) {
  return [...output.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);
}

/** Needs a window of the editor. */
const isWindow = (name) => name.endsWith('window.test.ts');

/** Test files of these folders of `test/` that `wanted` takes, by name. */
function testsIn(wanted, ...folders) {
  return folders.flatMap((folder) => {
    const path = join(root, 'test', folder);
    if (!existsSync(path)) return [];
    return readdirSync(path)
      .filter((name) => name.endsWith('.test.ts') && wanted(name))
      .map((name) => join('test', folder, name));
  });
}

async function main() {
  const started = performance.now();
  await ensureDependencies();
  await step('build', [process.execPath, 'scripts/build.mjs']);
  await step('types', [...bin('typescript', 'bin/tsc'), '--noEmit']);
  await step('lint', [...bin('eslint', 'bin/eslint.js'), '.']);
  await step('format', [...bin('prettier', 'bin/prettier.cjs'), '--check', '--log-level', 'warn', '.']);
  const mocha = bin('mocha', 'bin/mocha.js');
  await step('structure and unit tests', [
    ...mocha,
    ...testsIn((name) => !isWindow(name), '.', 'patch', 'compile', 'vscode'),
  ]);
  if (!isFast) {
    const { ensureNodes, ensureThirdParty, ensureEditor } = await import('./doors.mjs');
    process.stdout.write('\n');
    await ensureNodes();
    await ensureThirdParty();
    await step('processes, on every Node', [
      ...mocha,
      ...testsIn(() => true, 'support', 'target', 'process', 'cli'),
    ]);
    await ensureEditor();
    await step('in the extension host of VS Code', [process.execPath, 'scripts/test-editor.mjs']);
    await step('package', [process.execPath, 'scripts/package.mjs']);
    await step('through the eyes of a user of VS Code', [...mocha, ...testsIn(isWindow, 'editor', 'vscode')]);
  }
  const minutes = ((performance.now() - started) / 60_000).toFixed(1);
  process.stdout.write(`\nEverything held, ${minutes} min.\n`);
}

try {
  await main();
} catch (error) {
  process.stdout.write(`\n${error.message}\n`);
  process.exitCode = 1;
} finally {
  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed\n`);
}
