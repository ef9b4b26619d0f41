import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FunctionReport } from '../../extension/session/report.ts';
import type { Session } from '../../extension/session/session.ts';
import type { Host, Ways } from './truthProgram.ts';

export type Format = 'cjs' | 'esm';

/** What a patch is expected to come to: the engine that applies it, or the code of the refusal. */
export type Expected = string;

/** An edit of a small program; every way in which `probe` of its main file reaches the code gives `old` before it. */
export interface Shape {
  readonly name: string;
  /** By name without extension; a name with a dot stays as it is. See `written` for what is filled in. */
  readonly files: Readonly<Record<string, string>>;
  /** The edited file, `a` unless said otherwise. */
  readonly edited?: string;
  /** What is replaced, and what it becomes with `NEW` standing for the new value; `'old'` by `'NEW'` by default. */
  readonly edit?: readonly [string, string];
  /** What the user names; all that changed unless said. */
  readonly functions?: readonly string[];
  /** Depends on what V8 does, so it is tried on every version. */
  readonly everywhere?: true;
  readonly expect: Expected | Readonly<Partial<Record<Format, Expected>>>;
}

/**
 * The text of a file in one module format. `IMPORT x FROM a` gives the module object, `TAKE f FROM a` a name of it,
 * `EXPORT f, g` exports names.
 */
export function written(text: string, format: Format): string {
  const cjs = format === 'cjs';
  return text
    .replace(/^(\s*)IMPORT (\w+) FROM ([\w./-]+)$/gm, (_, space, name, from) =>
      cjs ? `${space}const ${name} = require('./${from}.cjs');` : `import * as ${name} from './${from}.mjs';`,
    )
    .replace(/^(\s*)TAKE (.+) FROM ([\w./-]+)$/gm, (_, space, names, from) =>
      cjs
        ? `${space}const { ${names} } = require('./${from}.cjs');`
        : `import { ${names} } from './${from}.mjs';`,
    )
    .replace(/^EXPORT (.+)$/gm, (_, names) =>
      cjs ? `module.exports = { ${names} };` : `export { ${names} };`,
    );
}

/** The names `f`, `g`, `m` and `n` are each program's own: it shall not matter what others in the process keep. */
function own(text: string, id: number): string {
  return text.replace(/\b[fgmn]\b/g, (name) => `${name}${id}`);
}

export function formatsOf({ expect }: Shape): readonly Format[] {
  return typeof expect === 'string' ? ['cjs', 'esm'] : (Object.keys(expect) as Format[]);
}

export function expectedOf({ expect }: Shape, format: Format): Expected {
  return typeof expect === 'string' ? expect : expect[format]!;
}

export interface Truth {
  /** The engine of the applied patch, or the code of the refusal. */
  readonly came: string;
  readonly reports: readonly FunctionReport[];
}

/**
 * Loads the program, patches it, and holds the answer against what the program does from then on. Throws an
 * AssertionError for a lie: applied while some way still gives old code, refused while some way does not, or a program
 * that is not what it was once everything is unloaded.
 */
export async function tellTruth(
  host: Host,
  session: Session,
  shape: Shape,
  { format, id, allowLiveEdit }: { format: Format; id: number; allowLiveEdit: boolean },
): Promise<Truth> {
  const extension = format === 'cjs' ? '.cjs' : '.mjs';
  const pathOf = (file: string) => (file.includes('.') ? file : file + extension);
  const files = Object.fromEntries(
    Object.entries(shape.files).map(([file, text]) => [pathOf(file), own(written(text, format), id)]),
  );
  const folder = await host.write(`${format}-${id}`, files);
  const main = join(folder, pathOf('main'));
  const file = join(folder, pathOf(shape.edited ?? 'a'));
  const original = await host.probe(main);
  assert.deepEqual(differing(original, 'old'), {}, 'before the edit');

  const source = await readFile(file, 'utf8');
  const [from, to] = (shape.edit ?? ["'old'", "'NEW'"]).map((text) => own(text, id)) as [string, string];
  assert.equal(source.split(from).length, 2, `${from} is there once`);
  const load = async (value: string) => {
    const text = source.replace(from, () => to.replaceAll('NEW', value));
    const functions = shape.functions ? { functions: shape.functions.map((name) => own(name, id)) } : {};
    let settled = false;
    const patching = session
      .patch({ file, text, allowLiveEdit, waitMs: 2000, ...functions })
      .finally(() => (settled = true));
    patching.catch(() => {});
    // The calls that open a door, and those that prove a live edit.
    while (!settled) await host.probe(main);
    return patching;
  };

  const first = await load('new');
  const isApplied = first.targets.length > 0 && first.targets.every(({ status }) => status === 'applied');
  if (!isApplied) {
    assert.deepEqual(await host.probe(main), original, `changed by a patch that was ${came(first.targets)}`);
    if (first.patchId) await session.unload([first.patchId]);
    assert.deepEqual(await host.probe(main), original, `changed after ${came(first.targets)}`);
    return { came: came(first.targets), reports: first.targets };
  }
  assert.deepEqual(differing(await host.probe(main), 'new'), {}, 'LIE: applied, and old code runs');

  const second = await load('newer');
  const both = second.targets.every(({ status }) => status === 'applied');
  assert.ok(both, `a second patch of it was ${came(second.targets)}`);
  assert.deepEqual(
    differing(await host.probe(main), 'newer'),
    {},
    'LIE: the second is applied, and is not what runs',
  );
  // In both orders, over all shapes.
  if (id % 2 === 0) {
    await session.unload([first.patchId!]);
    assert.deepEqual(differing(await host.probe(main), 'newer'), {}, 'after unloading the first');
    await session.unload([second.patchId!]);
  } else {
    await session.unload([second.patchId!]);
    assert.deepEqual(differing(await host.probe(main), 'new'), {}, 'after unloading the second');
    await session.unload([first.patchId!]);
  }
  assert.deepEqual(await host.probe(main), original, 'after unloading both');
  return { came: came(first.targets), reports: first.targets };
}

function differing(ways: Ways, value: string): Ways {
  assert.ok(Object.keys(ways).length > 0, 'the program has ways');
  return Object.fromEntries(Object.entries(ways).filter(([, got]) => got !== value));
}

function came(reports: readonly FunctionReport[]): string {
  const parts = reports.map(({ status, engine, code }) =>
    status === 'applied' ? String(engine) : status === 'refused' ? String(code) : `${status} ${String(code)}`,
  );
  return [...new Set(parts)].join(' + ');
}
