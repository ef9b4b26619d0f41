// npm run bench: builds and measures. Prints figures; decides nothing.
import { spawnSync } from 'node:child_process';
import { ensureDependencies, root } from './dependencies.mjs';

await ensureDependencies();
const { buildAll } = await import('./build.mjs');
await buildAll();
const { status } = spawnSync(process.execPath, ['--import', 'tsx', 'bench/editToLive.ts'], {
  cwd: root,
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
