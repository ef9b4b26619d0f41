import { CODES } from '../../agent/protocol.ts';
import { isRefusal, read, type Reading, type Texts } from '../../extension/patch/changes.ts';
import { parse, type Parsed } from '../../extension/patch/parse.ts';
import type { PlanFacts } from '../../extension/patch/plan.ts';

const FILE = '/app/a.js';

/** The script that runs and the edited text of it, both plain JavaScript unless the baseline says otherwise. */
export function textsOf(
  before: string,
  after: string,
  { isModule = false, baseline = before }: { isModule?: boolean; baseline?: string | null } = {},
): Texts {
  const lineAt = (offset: number) => after.slice(0, offset).split('\n').length;
  return {
    file: FILE,
    running: { url: `file://${FILE}`, text: before, isModule },
    edited: { text: after, lineAt },
    baseline,
  };
}

/** Both texts, understood; throws where that is refused. */
export function reading(...texts: Parameters<typeof textsOf>): Reading {
  const result = read(textsOf(...texts));
  if (isRefusal(result)) throw new Error(`refused: ${result.code} ${JSON.stringify(result.data)}`);
  return result;
}

export function parsed(text: string, isModule = false): Parsed {
  const result = parse(text, isModule);
  if (!result.ok) throw new Error(`${result.line}:${result.column}: ${result.message}`);
  return result.parsed;
}

/** A target on which live edit works, unless said otherwise. */
export function facts(more: Partial<PlanFacts> = {}): PlanFacts {
  return {
    target: { node: '22.0.0', v8: '12.4', liveEdit: 'works', heapUsed: 1e7 },
    held: [],
    mentions: [],
    allowLiveEdit: false,
    ...more,
  };
}

/** The name of a code, so that a failing test says `nameUnreachable` and not `HP2004`. */
export function codeName(code: string): string {
  return Object.entries(CODES).find(([, value]) => value === code)?.[0] ?? code;
}
