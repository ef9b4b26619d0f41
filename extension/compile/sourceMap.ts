import { readFile, realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { TraceMap } from '@jridgewell/trace-mapping';

/** A source map with its sources as absolute paths. */
export interface LoadedMap {
  readonly map: TraceMap;
  /** Absolute paths, null for sources that are no files. */
  readonly files: readonly (string | null)[];
  readonly contents: readonly (string | null)[];
}

/** Reads the source map that a script names (a data URL, or a file beside it); null if there is none to be read. */
export async function loadSourceMap(scriptUrl: string, sourceMapUrl: string): Promise<LoadedMap | null> {
  if (!sourceMapUrl) return null;
  try {
    const base = new URL(sourceMapUrl, scriptUrl);
    const text =
      base.protocol === 'data:' ? decodeDataUrl(sourceMapUrl) : await readFile(fileURLToPath(base), 'utf8');
    const map = new TraceMap(text);
    const folder =
      base.protocol === 'data:' ? dirname(fileURLToPath(scriptUrl)) : dirname(fileURLToPath(base));
    const root = map.sourceRoot ?? '';
    const files = map.sources.map((source) => (source === null ? null : sourcePath(folder, root, source)));
    return { map, files, contents: map.sourcesContent ?? [] };
  } catch {
    return null; // Deleted, remote or damaged: the script counts as one without a map.
  }
}

/** The path with links followed, so that one file is one text however it is named. */
export async function canonical(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    return resolve(path);
  }
}

function sourcePath(folder: string, root: string, source: string): string | null {
  if (source.startsWith('file://')) return fileURLToPath(source);
  if (/^\w{2,}:/.test(source)) return null;
  const under = root.startsWith('file://') ? fileURLToPath(root) : resolve(folder, root);
  return fileURLToPath(new URL(source, `${pathToFileURL(under).href}/`));
}

function decodeDataUrl(url: string): string {
  const comma = url.indexOf(',');
  const body = url.slice(comma + 1);
  return url.slice(0, comma).includes(';base64')
    ? Buffer.from(body, 'base64').toString('utf8')
    : decodeURIComponent(body);
}
