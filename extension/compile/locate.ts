import { basename, extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ScriptInfo } from '../../agent/protocol.ts';
import { canonical, loadSourceMap } from './sourceMap.ts';

/** The script that runs a source file, and the text it was made from if the map holds it. */
export interface Located {
  readonly url: string;
  /** The file is the script itself: what runs is its own text (or, for TypeScript, its text with types blanked). */
  readonly isItself: boolean;
  readonly baselineSource: string | null;
  readonly copies: number;
}

/** Asks for the whole source map URL of a script: the list has long data URLs cut. */
export type WholeMapUrl = (url: string) => Promise<string>;

/**
 * Finds the loaded script that was made from `file` (absolute): the file itself, else one whose source map names it.
 * Scripts with the file's own name are looked at first. Null: none.
 */
export async function locate(
  file: string,
  scripts: readonly ScriptInfo[],
  wholeMapUrl: WholeMapUrl,
): Promise<Located | null> {
  const path = await canonical(file);
  const own = new Set([file, path].flatMap((each) => [pathToFileURL(each).href, each]));
  const itself = scripts.find(({ url }) => own.has(url));
  if (itself) return { url: itself.url, isItself: true, baselineSource: null, copies: itself.copies };

  const mapped = scripts.filter(({ url, sourceMapUrl }) => sourceMapUrl !== '' && url.startsWith('file://'));
  const stem = basename(path, extname(path));
  const isNamesake = (url: string) => basename(url).split('.')[0] === stem.split('.')[0];
  for (const namesake of [true, false]) {
    for (const script of mapped) {
      if (isNamesake(script.url) !== namesake) continue;
      const found = await namedBy(script, path, wholeMapUrl);
      if (found) return found;
    }
  }
  return null;
}

async function namedBy(script: ScriptInfo, path: string, wholeMapUrl: WholeMapUrl): Promise<Located | null> {
  const isData = script.sourceMapUrl.startsWith('data:');
  const map = await loadSourceMap(script.url, isData ? await wholeMapUrl(script.url) : script.sourceMapUrl);
  if (!map) return null;
  for (const [index, source] of map.files.entries()) {
    if (source === null || (source !== path && (await canonical(source)) !== path)) continue;
    return {
      url: script.url,
      isItself: false,
      baselineSource: map.contents[index] ?? null,
      copies: script.copies,
    };
  }
  return null;
}
