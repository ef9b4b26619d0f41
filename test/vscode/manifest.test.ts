import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  Command,
  contextKeys,
  languages,
  registerCommand,
  rowCommands,
  RowContext,
  settings,
  View,
} from '../../extension/vscode/ids.ts';

const root = resolve(__dirname, '..', '..');
const manifestText = readFileSync(join(root, 'package.json'), 'utf8');
const manifest = JSON.parse(manifestText) as Manifest;
const nls = JSON.parse(readFileSync(join(root, 'package.nls.json'), 'utf8')) as Record<string, string>;

interface MenuItem {
  readonly command: string;
  readonly when?: string;
  readonly group?: string;
}

interface Manifest {
  readonly main: string;
  readonly icon: string;
  readonly activationEvents?: readonly string[];
  readonly extensionKind: readonly string[];
  readonly capabilities: Record<'untrustedWorkspaces' | 'virtualWorkspaces', { supported: boolean }>;
  readonly contributes: {
    readonly commands: readonly { command: string; title: string; category: string; enablement?: string }[];
    readonly menus: Readonly<Record<string, readonly MenuItem[]>>;
    readonly keybindings: readonly { command: string; key: string; when: string }[];
    readonly views: Readonly<Record<string, readonly { id: string }[]>>;
    readonly viewsWelcome: readonly { view: string; contents: string; when: string }[];
    readonly configuration: { readonly properties: Readonly<Record<string, { scope: string }>> };
  };
}

const { commands, menus, keybindings, views, viewsWelcome, configuration } = manifest.contributes;
const ids: readonly string[] = Object.values(Command);
const menuItems = Object.values(menus).flat();

describe('the manifest', () => {
  it('declares the commands that the code registers, and no other', () => {
    assert.deepEqual(commands.map(({ command }) => command).sort(), [...ids].sort());
  });

  it('registers each under its own id', () => {
    // That extension.ts has a handler for every one of them is the compiler's business (commands.ts).
    const registered: string[] = [];
    const registry = {
      registerCommand(id: string) {
        registered.push(id);
        return { dispose() {} };
      },
    };
    for (const id of Object.values(Command)) registerCommand(registry, id, () => undefined);
    assert.deepEqual(registered, ids);
  });

  it('uses known commands in menus, key bindings and links', () => {
    const linked = [
      ...Object.values(nls)
        .join('\n')
        .matchAll(/\(command:([\w.]+)\)/g),
    ].map(([, id]) => id!);
    const used = [...menuItems, ...keybindings].map(({ command }) => command).concat(linked);
    assert.deepEqual(
      used.filter((id) => !ids.includes(id)),
      [],
    );
  });

  it('keeps row commands out of the palette', () => {
    const hidden = menus['commandPalette']!.filter(({ when }) => when === 'false');
    assert.deepEqual(hidden.map(({ command }) => command).sort(), [...rowCommands].sort());
  });

  it('knows every view, context key, row and setting that it names', () => {
    const known = new Set<string>([
      ...Object.values(View),
      ...Object.values(contextKeys),
      ...ids,
      ...Object.keys(configuration.properties),
    ]);
    const named = [...manifestText.matchAll(/\bhotpatch\.\w+/g)].map(([id]) => id);
    assert.deepEqual(
      [...new Set(named)].filter((id) => !known.has(id)),
      [],
    );
    assert.deepEqual(
      Object.values(views)
        .flat()
        .map(({ id }) => id),
      Object.values(View),
    );
    assert.deepEqual(
      viewsWelcome.map(({ view }) => view),
      [View.patches],
    );
    assert.deepEqual(Object.keys(configuration.properties), [
      `${settings.section}.${settings.allowLiveEdit}`,
    ]);

    const rows = [...manifestText.matchAll(/viewItem (?:==|=~) (\S+?)["\s]/g)].flatMap(([, value]) =>
      value!.replace(/[/^$()]/g, '').split('|'),
    );
    assert.deepEqual([...new Set(rows)].sort(), Object.values(RowContext).sort());
  });

  it('offers patching in the languages that the code takes', () => {
    const clauses = [...manifestText.matchAll(/(?:resource|editor)LangId =~ \/\^\(([\w|]+)\)\$\//g)];
    assert.ok(clauses.length >= 5);
    for (const [, names] of clauses) assert.deepEqual(names!.split('|').sort(), [...languages].sort());
  });

  it('names only context keys of ours and of VS Code in its conditions', () => {
    const ofVsCode = new Set([
      ...['editorLangId', 'editorTextFocus', 'focusedView', 'inputFocus', 'isWorkspaceTrusted', 'listFocus'],
      ...['resourceLangId', 'resourceScheme', 'view', 'viewItem'],
    ]);
    const conditions = [...menuItems, ...keybindings, ...viewsWelcome]
      .map(({ when }) => when)
      .concat(commands.map(({ enablement }) => enablement));
    const keys = conditions.flatMap((when) =>
      (when ?? 'false').split(/\s*(?:&&|\|\|)\s*/).map((part) => /^!?\s*([\w.]+)/.exec(part)?.[1] ?? part),
    );
    const ours: readonly string[] = Object.values(contextKeys);
    assert.deepEqual(
      [...new Set(keys)].filter((key) => key !== 'false' && !ofVsCode.has(key) && !ours.includes(key)),
      [],
    );
  });

  it('has words for every key, and no others', () => {
    const used = [...manifestText.matchAll(/"%([\w.]+)%"/g)].map(([, key]) => key!);
    assert.deepEqual([...new Set(used)].sort(), Object.keys(nls).sort());
    // Every title a user reads goes through package.nls.json.
    for (const { title, category } of commands) assert.match(`${title} ${category}`, /^%.+% %.+%$/);
  });

  it('runs on the side of the processes, in trusted folders on disk, when it is first used', () => {
    assert.deepEqual(manifest.extensionKind, ['workspace']);
    assert.equal(manifest.capabilities.untrustedWorkspaces.supported, false);
    assert.equal(manifest.capabilities.virtualWorkspaces.supported, false);
    assert.equal(manifest.activationEvents, undefined);
    assert.equal(manifest.main, 'dist/extension.js');
    assert.ok(existsSync(join(root, manifest.icon)));
  });

  it('scopes every key binding, and its only key in the editor to the text', () => {
    for (const { command, when } of keybindings) {
      if (command === Command.patchFunction) assert.match(when, /^editorTextFocus && editorLangId =~ /);
      else assert.match(when, new RegExp(`^focusedView == ${View.patches} && `));
    }
  });
});

describe('extension/vscode', () => {
  const folder = join(root, 'extension', 'vscode');
  const files = readdirSync(folder).map((name) => ({ name, text: readFileSync(join(folder, name), 'utf8') }));

  it('keeps activation a table of contents', () => {
    const lines = files.find(({ name }) => name === 'extension.ts')!.text.split('\n').length;
    assert.ok(lines < 120, `${lines} lines`);
  });

  it('writes ids in ids.ts only', () => {
    const elsewhere = files.filter(
      ({ name, text }) =>
        name !== 'ids.ts' && [...ids, ...Object.values(View)].some((id) => text.includes(`'${id}`)),
    );
    assert.deepEqual(
      elsewhere.map(({ name }) => name),
      [],
    );
  });

  it('loads what is heavy when a process is attached, not when it is activated', () => {
    const early = files.filter(({ text }) =>
      /^import (?!type)[^;]*from '\.\.\/(session\/session|compile\/|target\/(?!processes\/flags))/m.test(
        text,
      ),
    );
    assert.deepEqual(
      early.map(({ name }) => name),
      [],
    );
  });
});
