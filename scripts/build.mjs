// Builds what ships: the agent (one text that is put into a process), the command line and the extension.
import { build } from 'esbuild';
import { readFile, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
const root = fileURLToPath(new URL('..', import.meta.url));

/** Options every bundle shares. Source maps stay outside so that the agent's text is small. */
const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  sourcemap: 'linked',
  logLevel: 'warning',
};

/** Builds everything into `dist/`; rejects with esbuild's own errors. */
export async function buildAll() {
  await rm(new URL('../dist', import.meta.url), { recursive: true, force: true });
  await Promise.all([
    // No keepNames: esbuild would insert calls of a helper that does not exist in the target.
    // One expression that gives the installer back and leaves no global behind, for one Runtime.evaluate.
    build({
      ...common,
      entryPoints: { agent: 'agent/main.ts' },
      outdir: 'dist',
      format: 'iife',
      globalName: 'hotpatchAgent',
      sourcemap: false,
      define: { HOTPATCH_VERSION: JSON.stringify(version) },
      banner: { js: '(() => {' },
      footer: { js: 'return hotpatchAgent;\n})()\n//# sourceURL=hotpatch:agent' },
    }),
    build({
      ...common,
      entryPoints: { cli: 'extension/cli/main.ts' },
      outdir: 'dist',
      external: ['esbuild'],
      banner: { js: '#!/usr/bin/env node' },
      define: { HOTPATCH_VERSION: JSON.stringify(version) },
    }),
    build({
      ...common,
      entryPoints: { extension: 'extension/vscode/extension.ts' },
      outdir: 'dist',
      external: ['esbuild', 'vscode'],
    }),
  ]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildAll();
