/**
 * The environment of the tests without what a debugger or an editor around them put into it: through NODE_OPTIONS it
 * would reach into every Node below, and an editor below would take itself for a child of the one around it.
 */
export function ordinaryEnvironment(): Record<string, string> {
  const added = /^(NODE_OPTIONS|VSCODE_|ELECTRON_)/;
  const entries = Object.entries(process.env).filter(([name]) => !added.test(name));
  return Object.fromEntries(entries) as Record<string, string>;
}
