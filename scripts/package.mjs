// Makes hotpatch-<version>-<target>.vsix for the platform it runs on: esbuild's binary is inside, so each has its own.
// vsce is fetched into .cache/ when it is needed first; as a dev dependency it would bring 285 packages to everybody.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureDependencies } from './dependencies.mjs';

// The newest that runs on Node 20.
const vsceVersion = '3.9.2';

/** What must be inside. A VSIX without one of these installs and then does not work. */
const required = ['package.json', 'package.nls.json', 'README.md', 'LICENSE', 'media/icon.png'].concat([
  ...['dist/extension.js', 'dist/agent.js', 'dist/cli.js'],
  ...['node_modules/esbuild/lib/main.js', esbuildBinary()],
]);

const root = fileURLToPath(new URL('..', import.meta.url));
const target = `${process.platform}-${process.arch === 'arm' ? 'armhf' : process.arch}`;

await ensureDependencies();
await (await import('./build.mjs')).buildAll();
const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
const packagePath = fileURLToPath(new URL(`../hotpatch-${version}-${target}.vsix`, import.meta.url));
const stage = await mkdtemp(join(tmpdir(), 'hotpatch-package-'));
try {
  await fill(stage);
  const { createVSIX, listFiles } = await loadVsce();
  const files = await listFiles({ cwd: stage });
  const missing = required.filter((file) => !files.includes(file));
  if (missing.length > 0) throw new Error(`Not in the package: ${missing.join(', ')}.`);
  // No repository is named yet, so links in the README have to be absolute.
  const options = { target, allowMissingRepository: true, rewriteRelativeLinks: false };
  await createVSIX({ cwd: stage, packagePath, ...options });
} finally {
  await rm(stage, { recursive: true, force: true });
}
const { size } = await stat(packagePath);
process.stdout.write(`${packagePath}: ${(size / 1e6).toFixed(1)} MB\n`);

/**
 * vsce walks all it finds before it looks at .vscodeignore, and a checkout has test editors in .cache: it gets a folder
 * with no more than what may be shipped.
 */
async function fill(folder) {
  const entries = [
    'package.json',
    'package.nls.json',
    'README.md',
    'CHANGELOG.md',
    'LICENSE',
    '.vscodeignore',
  ];
  const esbuild = ['node_modules/esbuild', `node_modules/@esbuild/${process.platform}-${process.arch}`];
  for (const entry of [...entries, 'media', 'dist', ...esbuild]) {
    await cp(join(root, entry), join(folder, entry), { recursive: true });
  }
}

/** Where npm puts esbuild's binary on this platform. */
function esbuildBinary() {
  const file = process.platform === 'win32' ? 'esbuild.exe' : 'bin/esbuild';
  return `node_modules/@esbuild/${process.platform}-${process.arch}/${file}`;
}

async function loadVsce() {
  const folder = new URL(`../.cache/vsce-${vsceVersion}/`, import.meta.url);
  const manifest = new URL('node_modules/@vscode/vsce/package.json', folder);
  if (!existsSync(manifest)) {
    await mkdir(folder, { recursive: true });
    const install = ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts'];
    execFileSync('npm', [...install, '--prefix', fileURLToPath(folder), `@vscode/vsce@${vsceVersion}`], {
      stdio: 'inherit',
      // npm is a .cmd file there, which only a shell can start.
      shell: process.platform === 'win32',
    });
  }
  return createRequire(manifest)('@vscode/vsce');
}
