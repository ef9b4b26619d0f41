// Makes hotpatch-<version>-<target>.vsix for the platform it runs on: esbuild's binary is inside, so each has its own.
// vsce is fetched into .cache/ when it is needed first; as a dev dependency it would bring 285 packages to everybody.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { buildAll } from './build.mjs';

// The newest that runs on Node 20.
const vsceVersion = '3.9.2';

/** What must be inside. A VSIX without one of these installs and then does not work. */
const required = ['package.json', 'package.nls.json', 'README.md', 'LICENSE', 'media/icon.png'].concat([
  ...['dist/extension.js', 'dist/agent.js', 'dist/cli.js'],
  ...['node_modules/esbuild/lib/main.js', esbuildBinary()],
]);

const root = fileURLToPath(new URL('..', import.meta.url));
const target = `${process.platform}-${process.arch === 'arm' ? 'armhf' : process.arch}`;

await buildAll();
const { createVSIX, listFiles } = await loadVsce();
const files = await listFiles({ cwd: root });
const missing = required.filter((file) => !files.includes(file));
if (missing.length > 0) throw new Error(`Not in the package: ${missing.join(', ')}.`);

const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
const packagePath = fileURLToPath(new URL(`../hotpatch-${version}-${target}.vsix`, import.meta.url));
// No repository is named yet, so links in the README have to be absolute.
await createVSIX({
  cwd: root,
  packagePath,
  target,
  allowMissingRepository: true,
  rewriteRelativeLinks: false,
});
const { size } = await stat(packagePath);
process.stdout.write(`${packagePath}: ${(size / 1e6).toFixed(1)} MB\n`);

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
