import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { originalPositionFor, TraceMap } from '@jridgewell/trace-mapping';
import type { Loader, TransformFailure, TransformOptions } from 'esbuild';
import { getTsconfig } from 'get-tsconfig';
import { CODES } from '../../agent/protocol.ts';
import type { CompiledText } from '../patch/changes.ts';
import { HotPatchError } from '../patch/error.ts';

const LOADERS: Readonly<Record<string, Loader>> = {
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts',
  '.tsx': 'tsx',
  '.js': 'js',
  '.mjs': 'js',
  '.cjs': 'js',
  '.jsx': 'jsx',
};

/** True for the files a patch can be made from. */
export function isScript(file: string): boolean {
  return extname(file) in LOADERS;
}

/** Reads the edited source; throws `fileUnreadable` or `notScript`. */
export async function readSource(file: string): Promise<string> {
  if (!isScript(file)) throw new HotPatchError(CODES.notScript, { file });
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new HotPatchError(CODES.fileUnreadable, { file, reason });
  }
}

/**
 * Compiles a source as its script was compiled: TypeScript and JSX with esbuild under the nearest tsconfig, imports
 * left as they are (what the running script calls them is learned from its text). Plain JavaScript is its own text.
 * Throws `syntaxError` with file, line and column (1-based) of the source.
 */
export async function compile(file: string, text: string): Promise<CompiledText> {
  const loader = LOADERS[extname(file)];
  if (!loader) throw new HotPatchError(CODES.notScript, { file });
  if (loader === 'js') {
    const lines = lineCounter(text);
    return { text, lineAt: lines };
  }
  const options: TransformOptions = {
    loader,
    target: 'esnext',
    sourcemap: 'external',
    sourcefile: file,
    tsconfigRaw: tsconfigFor(file),
    logLevel: 'silent',
  };
  // Loaded when first needed: finding processes and reading the ledger go without it.
  const { transform } = await import('esbuild');
  try {
    const { code, map } = await transform(text, options);
    return { text: code, lineAt: originalLines(code, map) };
  } catch (error) {
    throw asSyntaxError(file, error);
  }
}

/** Checks plain JavaScript with a parser that knows the newest syntax; for the place of an error. */
export async function syntaxErrorOf(file: string, text: string): Promise<HotPatchError | null> {
  const loader = LOADERS[extname(file)] ?? 'js';
  const { transform } = await import('esbuild');
  try {
    await transform(text, { loader, logLevel: 'silent' });
    return null;
  } catch (error) {
    return asSyntaxError(file, error);
  }
}

function asSyntaxError(file: string, error: unknown): HotPatchError {
  const [first] = (error as Partial<TransformFailure>).errors ?? [];
  if (!first) throw error;
  const { line = 1, column = 0 } = first.location ?? {};
  return new HotPatchError(CODES.syntaxError, { file, line, column: column + 1, message: first.text });
}

/** The compiler options that change what comes out; `extends` is followed. */
function tsconfigFor(file: string): NonNullable<TransformOptions['tsconfigRaw']> {
  let compilerOptions: Record<string, unknown> = {};
  try {
    compilerOptions = { ...getTsconfig(file)?.config.compilerOptions };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new HotPatchError(CODES.badConfig, { file: 'tsconfig.json', reason });
  }
  // Fields follow the target where they are not set, as tsc does; the text itself stays at its own level.
  const target = String(compilerOptions['target'] ?? 'es5').toLowerCase();
  const modern = target === 'esnext' || Number(/^es(\d{4})$/.exec(target)?.[1] ?? 0) >= 2022;
  const {
    jsx,
    jsxFactory,
    jsxFragmentFactory,
    jsxImportSource,
    experimentalDecorators,
    useDefineForClassFields,
  } = compilerOptions;
  return {
    compilerOptions: {
      ...(jsx === undefined ? {} : { jsx: jsx as 'react-jsx' }),
      ...(jsxFactory === undefined ? {} : { jsxFactory: String(jsxFactory) }),
      ...(jsxFragmentFactory === undefined ? {} : { jsxFragmentFactory: String(jsxFragmentFactory) }),
      ...(jsxImportSource === undefined ? {} : { jsxImportSource: String(jsxImportSource) }),
      ...(experimentalDecorators === undefined
        ? {}
        : { experimentalDecorators: Boolean(experimentalDecorators) }),
      useDefineForClassFields: Boolean(useDefineForClassFields ?? modern),
      // Unused imports may be types; an import that the script has is kept by its use in the edited function.
      verbatimModuleSyntax: false,
    },
  };
}

function originalLines(code: string, map: string): (offset: number) => number {
  const trace = new TraceMap(map);
  const lineOf = lineCounter(code);
  return (offset) => {
    const line = lineOf(offset);
    const column = offset - (code.lastIndexOf('\n', offset - 1) + 1);
    const found = originalPositionFor(trace, { line, column });
    return found.line ?? 1;
  };
}

/** 1-based line of an offset. */
function lineCounter(text: string): (offset: number) => number {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  };
}
