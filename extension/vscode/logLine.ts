/** Facts of one line of the log. */
export type Facts = Readonly<Record<string, unknown>>;

/**
 * The facts that may be logged. An allow-list: details of an error can hold a command line (with a secret in it) or a
 * compiler's message (with the user's code in it).
 */
const loggable = new Set([
  'code',
  'count',
  'engine',
  'file',
  'found',
  'function',
  'functions',
  'line',
  'ms',
  'name',
  'node',
  'patch',
  'patches',
  'pause',
  'pid',
  'port',
  'status',
]);

/** `Attached pid=42 patches=0`: the action, then the facts that may be logged. */
export function logLine(action: string, facts: Facts): string {
  const pairs = Object.entries(facts)
    .filter(([key, value]) => loggable.has(key) && value !== undefined)
    .map(([key, value]) => `${key}=${Array.isArray(value) ? value.join(',') : String(value)}`);
  return [action, ...pairs].join(' ');
}

/** The frames of an error's stack without its message, which may quote anything. */
export function stackFrames(error: unknown): string[] {
  if (!(error instanceof Error) || typeof error.stack !== 'string') return [];
  return error.stack.split('\n').filter((line) => /^\s+at /.test(line));
}
