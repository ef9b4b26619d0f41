import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { format } from 'node:util';
import { chromium, type Page } from 'playwright-core';
import { readDoor } from './doors.ts';
import { ordinaryEnvironment } from './environment.ts';
import { startKeeper } from './keeper.ts';

// The VS Code server, and its workbench in Chromium. What runs extension tests (scripts/vscode-server.mjs) and what
// looks at the editor through the eyes of a user (editor.ts) both start here.

/** What is opened, and with what in it. All paths are absolute. */
export interface ServerOptions {
  /** A folder, or a .code-workspace file. Default: an empty window. */
  readonly workspace?: string;
  /** Extensions under development: folders, each with a package.json. */
  readonly extensionPaths?: readonly string[];
  /** A module that exports `run()`: the window runs it and ends. */
  readonly testsPath?: string;
  /** Packaged extensions, installed first. */
  readonly vsixPaths?: readonly string[];
  /** User settings, on top of the quiet ones. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Whether the workspace is trusted, or opens in restricted mode until the user trusts it. Default: given. */
  readonly trust?: 'given' | 'withheld';
  /** Default: a fresh one, which `settings` are written into. */
  readonly userDataDir?: string;
  /** Where extensions are installed. Default: a fresh one. */
  readonly extensionsDir?: string;
}

/** A running server. Disposing of it ends all that was started in it, by pid, and removes its folder. */
export interface VsCodeServer extends AsyncDisposable {
  /** Opens the window, in any browser on this machine. It holds the token that lets one in. */
  readonly url: string;
  /** Its temporary folder. */
  readonly folder: string;
  /** The browser for it. */
  readonly chromium: string;
  /** A process that is started with this environment ends together with the server. */
  readonly environment: Readonly<Record<string, string>>;
  /** Never resolves. Rejects, with what it printed last, when the server ends by itself. */
  readonly broken: Promise<never>;
}

/** What happens in the window of a test run. */
export interface TestRunEvents {
  /** The window or its extension host has logged something; the latter includes all that goes to the console. */
  logged(text: string): void;
  /** `run()` has ended: 0, or not. */
  ended(code: number): void;
}

/** What scripts/doors.mjs wrote down. The paths start from the folder of the door. */
type EditorDoor =
  | { readonly kind: 'server'; readonly server: string; readonly node: string; readonly chromium: string }
  | { readonly kind: 'desktop' };

/** No welcome, no chat, no questions, nothing from the network: what is left is what the user works with. */
export const quietSettings: Readonly<Record<string, unknown>> = {
  'chat.disableAIFeatures': true,
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'git.openRepositoryInParentFolders': 'never',
  // Only a remote window announces the ports of the programs it starts; the desktop editor has no such thing.
  'remote.autoForwardPorts': false,
  'telemetry.telemetryLevel': 'off',
  'terminal.integrated.initialHint': false,
  'update.mode': 'none',
  'workbench.enableExperiments': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
};

/**
 * Whether this machine has a VS Code server to start; it may have the desktop editor instead.
 * @throws when scripts/doors.mjs has installed neither
 */
export function hasServer(): boolean {
  return readDoor<EditorDoor>('editor').kind === 'server';
}

/**
 * Starts a VS Code server on a free port of 127.0.0.1.
 * @throws when this machine has none, when it does not start, or when a vsix cannot be installed
 */
export async function startServer(options: ServerOptions): Promise<VsCodeServer> {
  const door = readDoor<EditorDoor>('editor');
  if (door.kind !== 'server') throw new Error('This machine has the desktop editor, and no VS Code server');

  const folder = await mkdtemp(join(tmpdir(), 'hotpatch-editor-'));
  // All that is started below has the folder in its environment: by that the keeper knows it.
  const keeper = startKeeper(folder);
  keeper.remove(folder);
  try {
    const temporary = join(folder, 'tmp');
    await mkdir(temporary);
    const environment = {
      ...ordinaryEnvironment(),
      HOTPATCH_TEST_EDITOR: folder,
      // Killed processes leave their sockets and caches behind: here they go with the folder.
      TMPDIR: temporary,
      XDG_RUNTIME_DIR: temporary,
      // Nothing is looked up in the gallery of extensions.
      EXTENSIONS_GALLERY: '{}',
    };
    const userDataDir = options.userDataDir ?? (await makeProfile(join(folder, 'user'), options.settings));
    const extensionsDir = options.extensionsDir ?? join(folder, 'extensions');
    const dirs = [
      ...['--server-data-dir', join(folder, 'server'), '--user-data-dir', userDataDir],
      ...['--extensions-dir', extensionsDir],
    ];
    const launch = (args: readonly string[]) =>
      spawn(resolve(door.folder, door.node), [resolve(door.folder, door.server), ...dirs, ...args], {
        env: environment,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
    if (options.testsPath === undefined) await link(extensionsDir, options.extensionPaths ?? []);
    for (const vsix of options.vsixPaths ?? []) await install(launch, vsix);

    const token = randomUUID();
    const { port, broken } = await listen(
      launch([
        ...['--host', '127.0.0.1', '--port', '0', '--connection-token', token],
        ...['--accept-server-license-terms', '--disable-telemetry', '--disable-experiments'],
        ...['--disable-update-check', '--disable-getting-started-override'],
        // Without this the page runs no tests. With it, it shows no notifications and answers dialogs by itself.
        ...(options.testsPath === undefined ? [] : ['--enable-smoke-test-driver']),
        ...(options.trust === 'withheld' ? [] : ['--disable-workspace-trust']),
      ]),
    );
    return {
      url: urlOf(`127.0.0.1:${port}`, token, options),
      folder,
      chromium: door.chromium,
      environment,
      broken,
      [Symbol.asyncDispose]: () => keeper.close(),
    };
  } catch (error) {
    await keeper.close();
    throw error;
  }
}

/**
 * Opens the window of a server in a Chromium that nobody sees, 1280 by 800.
 * @param events told what the test run does, when the window is one of `testsPath`
 * @returns its page; closing the context of the page ends Chromium
 */
export async function openWindow(server: VsCodeServer, events?: TestRunEvents): Promise<Page> {
  const context = await chromium.launchPersistentContext(join(server.folder, 'chromium'), {
    executablePath: server.chromium,
    env: server.environment,
    artifactsDir: join(server.folder, 'artifacts'),
    viewport: { width: 1280, height: 800 },
    // Left alone, so that a signal ends this process as it always would, and the keeper does the rest.
    handleSIGHUP: false,
    handleSIGINT: false,
    handleSIGTERM: false,
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
      ...['--disable-background-networking', '--disable-component-update'],
    ],
  });
  const page = context.pages()[0] ?? (await context.newPage());
  if (events) {
    // The workbench looks for these two, by name, in a window that runs tests.
    await page.exposeFunction('codeAutomationLog', (_level: string, args: readonly unknown[]) => {
      events.logged(format(...args));
    });
    await page.exposeFunction('codeAutomationExit', (code: number) => events.ended(code));
  }
  await page.goto(server.url);
  return page;
}

/**
 * A profile to start with: the quiet settings, and those given on top.
 * @param userDataDir what is made; the server and the desktop editor keep settings at the same place in it
 * @returns userDataDir
 */
export async function makeProfile(
  userDataDir: string,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  await mkdir(join(userDataDir, 'User'), { recursive: true });
  const text = JSON.stringify({ ...quietSettings, ...settings }, null, 2);
  await writeFile(join(userDataDir, 'User', 'settings.json'), text);
  return userDataDir;
}

/**
 * Makes extensions under development look installed, where they are: the page takes them as what they are only in
 * a window of tests.
 */
async function link(extensionsDir: string, extensionPaths: readonly string[]): Promise<void> {
  if (extensionPaths.length === 0) return;
  const entries = extensionPaths.map(async (path) => {
    const text = await readFile(join(path, 'package.json'), 'utf8');
    const { publisher, name, version } = JSON.parse(text) as Record<string, string>;
    return { identifier: { id: `${publisher}.${name}` }, version, location: { scheme: 'file', path } };
  });
  await mkdir(extensionsDir, { recursive: true });
  await writeFile(join(extensionsDir, 'extensions.json'), JSON.stringify(await Promise.all(entries)));
}

async function install(launch: (args: readonly string[]) => ChildProcess, vsix: string): Promise<void> {
  const child = launch(['--install-extension', vsix, '--force']);
  const output = collect(child);
  const code = await new Promise((done, fail) => child.on('error', fail).on('close', done));
  // It ends with 0 as well after an extension it could not install.
  if (code !== 0 || !/was successfully installed/.test(output())) {
    throw new Error(`VS Code did not install ${vsix}:\n${output()}`);
  }
}

/** Waits for the server to say where it listens. */
function listen(child: ChildProcess): Promise<{ port: string; broken: Promise<never> }> {
  const output = collect(child);
  const broken = new Promise<never>((_, fail) => {
    child.on('error', fail);
    child.on('close', (code, signal) => {
      fail(new Error(`The VS Code server ended with ${signal ?? code}:\n${output().slice(-4000)}`));
    });
  });
  // It also rejects when the server is disposed of, and nobody waits for it any more.
  broken.catch(() => {});
  const listening = new Promise<{ port: string; broken: Promise<never> }>((done) => {
    child.stdout!.on('data', () => {
      const [, port] = /Extension host agent listening on (\d+)/.exec(output()) ?? [];
      if (port !== undefined) done({ port, broken });
    });
  });
  return Promise.race([listening, broken]);
}

function collect(child: ChildProcess): () => string {
  let output = '';
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  return () => output;
}

/** What the desktop editor has flags for, the workbench takes from `payload`. */
function urlOf(authority: string, token: string, options: ServerOptions): string {
  const { workspace, extensionPaths = [], testsPath } = options;
  const remote = (path: string) => `vscode-remote://${authority}${encodeURI(path)}`;
  const payload = [
    ['skipWelcome', 'true'],
    ['skipReleaseNotes', 'true'],
  ];
  if (testsPath !== undefined) {
    payload.push(...extensionPaths.map((path) => ['extensionDevelopmentPath', remote(path)]));
    payload.push(['extensionTestsPath', remote(testsPath)]);
  }
  const query = new URLSearchParams({ tkn: token, payload: JSON.stringify(payload) });
  if (workspace === undefined) query.set('ew', 'true');
  else query.set(workspace.endsWith('.code-workspace') ? 'workspace' : 'folder', workspace);
  return `http://${authority}/?${query}`;
}
