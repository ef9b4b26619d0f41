import {
  Diagnostic,
  DiagnosticSeverity,
  languages,
  Range,
  Uri,
  workspace,
  type Disposable,
  type TextDocument,
} from 'vscode';
import { CODES } from '../../agent/protocol.ts';
import type { Refusal } from './refusal.ts';

/** Refusals as diagnostics at the function's line, until the file is edited or patched again. */
export class Marks implements Disposable {
  readonly #collection = languages.createDiagnosticCollection('hotpatch');
  readonly #edits = workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
    if (contentChanges.length > 0) this.#collection.delete(document.uri);
  });

  /** Replaces what was said of `file` by these refusals; those of other files are added to theirs. */
  async replace(file: string, refusals: readonly Refusal[]): Promise<void> {
    this.#collection.delete(Uri.file(file));
    for (const refusal of refusals) {
      if (!refusal.place) continue;
      const uri = Uri.file(refusal.place.file);
      const document = await workspace.openTextDocument(uri).then(
        (found) => found,
        () => null,
      );
      if (document) {
        this.#collection.set(uri, [...(this.#collection.get(uri) ?? []), diagnostic(refusal, document)]);
      }
    }
  }

  clear(): void {
    this.#collection.clear();
  }

  dispose(): void {
    this.#edits.dispose();
    this.#collection.dispose();
  }
}

function diagnostic(refusal: Refusal, document: TextDocument): Diagnostic {
  const severity = refusal.code === CODES.syntaxError ? DiagnosticSeverity.Error : DiagnosticSeverity.Warning;
  const range = rangeOf(refusal, document);
  const made = new Diagnostic(range, refusal.reason, severity);
  made.source = 'Hot Patch';
  made.code = refusal.code;
  return made;
}

/** The line without its indent, or one word of it. A line that has gone since is the last one. */
function rangeOf({ place }: Refusal, document: TextDocument): Range {
  const index = Math.min(Math.max((place?.line ?? 1) - 1, 0), document.lineCount - 1);
  const line = document.lineAt(index);
  if (place?.column == null) {
    return new Range(index, line.firstNonWhitespaceCharacterIndex, index, line.range.end.character);
  }
  const at = line.range.start.with({ character: place.column });
  return document.getWordRangeAtPosition(at) ?? new Range(at, line.range.end);
}
