import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const root = resolve(__dirname, '..');

/** Who may import whom: the way of the data, in one direction. A room is a folder; `agent/protocol` is a room alone. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  'agent/protocol': [],
  agent: ['agent/protocol'],
  'extension/patch': ['agent/protocol'],
  'extension/compile': ['agent/protocol', 'extension/patch'],
  'extension/target': ['agent/protocol', 'extension/patch'],
  'extension/session': ['agent/protocol', 'extension/patch', 'extension/compile', 'extension/target'],
  'extension/cli': ['agent/protocol', 'extension/patch', 'extension/target', 'extension/session'],
  'extension/vscode': ['agent/protocol', 'extension/patch', 'extension/target', 'extension/session'],
};

/** What a room may import from outside the project. The rest of the rooms may use Node and any library. */
const outside: Readonly<Record<string, (specifier: string, isType: boolean) => boolean>> = {
  'agent/protocol': () => false,
  // Node's own modules come through agent/builtins.ts; pure libraries may be bundled in.
  agent: (specifier, isType) => isType && specifier.startsWith('node:'),
  // Pure: no input or output.
  'extension/patch': (specifier) => !specifier.startsWith('node:') && specifier !== 'vscode',
  'extension/vscode': () => true,
};

interface Import {
  readonly from: string;
  readonly specifier: string;
  readonly isType: boolean;
}

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(root, folder, name));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const found: Import[] = [];
  for (const match of text.matchAll(/^(?:import|export)\s+(type\s)?[^;]*?from '([^']+)';/gms)) {
    found.push({ from: file, specifier: match[2]!, isType: match[1] !== undefined });
  }
  for (const match of text.matchAll(/^import '([^']+)';|\bimport\('([^']+)'\)/gm)) {
    found.push({ from: file, specifier: (match[1] ?? match[2])!, isType: false });
  }
  return found;
}

function roomOf(file: string): string {
  const path = relative(root, file).split('\\').join('/');
  if (path === 'agent/protocol.ts') return 'agent/protocol';
  return path.startsWith('agent/') ? 'agent' : path.split('/').slice(0, 2).join('/');
}

describe('the structure', () => {
  const files = [...sources('agent'), ...sources('extension')];
  const imports = files.flatMap(importsOf);

  it('has every folder in the table of arrows', () => {
    const rooms = new Set(files.map(roomOf));
    assert.deepEqual(
      [...rooms].filter((room) => !(room in arrows)),
      [],
    );
  });

  it('lets imports run one way', () => {
    const wrong = imports.flatMap(({ from, specifier }) => {
      if (!specifier.startsWith('.')) return [];
      const [room, to] = [roomOf(from), roomOf(resolve(dirname(from), specifier))];
      return room === to || arrows[room]?.includes(to) ? [] : [`${relative(root, from)} imports ${to}`];
    });
    assert.deepEqual(wrong, []);
  });

  it('lets only vscode/ know VS Code, keeps the planner pure and the agent on built-ins', () => {
    const wrong = imports.flatMap(({ from, specifier, isType }) => {
      if (specifier.startsWith('.')) return [];
      const allows = outside[roomOf(from)] ?? ((other: string) => other !== 'vscode');
      return allows(specifier, isType) ? [] : [`${relative(root, from)} imports ${specifier}`];
    });
    assert.deepEqual(wrong, []);
  });

  it('looks at versions in agent/capabilities.ts alone', () => {
    const looking = sources('agent').filter((file) =>
      /process\.versions?\b.*split|semver/.test(readFileSync(file, 'utf8')),
    );
    assert.deepEqual(
      looking.map((file) => relative(root, file)),
      [join('agent', 'capabilities.ts')],
    );
  });
});
