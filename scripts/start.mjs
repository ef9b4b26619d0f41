// npm start: a function of a running service is replaced while it serves, seen by its answers; then taken back.
// Exit status 0 only if every step was seen to hold.
import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureDependencies, root } from './dependencies.mjs';

const say = (line = '') => process.stdout.write(`${line}\n`);
const step = (title) => say(`\n▸ ${title}`);

/** Ends the run with a failure that says what was expected and what was seen. */
function hold(condition, expectation, seen) {
  if (condition) return;
  throw new Error(`${expectation}; seen: ${JSON.stringify(seen)}`);
}

async function run(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const status = await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (status !== 0)
    throw new Error(`${[command, ...args].join(' ')} ended with ${status}\n${stdout}${stderr}`);
  return stdout;
}

const hotpatch = (...args) => run(process.execPath, [join(root, 'dist', 'cli.js'), ...args]);

/** Starts the compiled sample as anybody would: no flag of ours. Resolves once it listens. */
async function startService(folder) {
  const service = spawn(process.execPath, [join(folder, 'dist', 'service.js')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  service.stderr.resume();
  const port = await new Promise((resolve, reject) => {
    let output = '';
    service.stdout.on('data', (chunk) => {
      output += chunk;
      const match = /listening (\d+)/.exec(output);
      if (match) resolve(Number(match[1]));
    });
    service.on('error', reject);
    service.on('exit', (code) => reject(new Error(`the service ended with ${code}: ${output}`)));
  });
  const ask = async (amount) => (await fetch(`http://127.0.0.1:${port}/?amount=${amount}`)).json();
  return { service, port, ask };
}

/** Requests without pause while something else happens; every one must be answered. */
function keepAsking(ask) {
  let asking = true;
  let answered = 0;
  const done = (async () => {
    while (asking) {
      await ask(1);
      answered += 1;
    }
  })();
  return async () => {
    asking = false;
    await done;
    return answered;
  };
}

async function main() {
  step('Install what is missing, build');
  await ensureDependencies();
  const { buildAll } = await import('./build.mjs');
  await buildAll();
  await run(process.execPath, [
    join(root, 'node_modules', 'typescript', 'bin', 'tsc'),
    '-p',
    join(root, 'sample'),
  ]);
  // A copy, so that the edit below leaves the checkout as it is.
  const folder = await mkdtemp(join(tmpdir(), 'hotpatch-sample-'));
  let running;
  try {
    await cp(join(root, 'sample'), folder, { recursive: true });

    step('Start the sample service: TypeScript, compiled, an ordinary node process');
    running = await startService(folder);
    const { service, port, ask } = running;
    for (let i = 0; i < 3; i++) await ask(1);
    const before = await ask(3);
    say(`  http://127.0.0.1:${port}/?amount=3  ->  ${JSON.stringify(before)}`);
    hold(before.pid === service.pid && before.quote.total === 30, 'the original answers 30', before);

    step('Edit quote() in src/pricing.ts and patch the running process');
    const file = join(folder, 'src', 'pricing.ts');
    const source = await readFile(file, 'utf8');
    const edited = source.replace(
      'return { amount, total: amount * rate.price, note: `${rate.name} price` };',
      'const total = Math.round(amount * rate.price * 0.9);\n  return { amount, total, note: `${rate.name} price, 10 % off` };',
    );
    hold(edited !== source, 'the sample can be edited', 'no change');
    await writeFile(file, edited);
    const stop = keepAsking(ask);
    const report = JSON.parse(
      await hotpatch('patch', file, '--function', 'quote', '--pid', String(service.pid), '--json'),
    );
    const meanwhile = await stop();
    const [target] = report.targets;
    hold(target?.status === 'applied', 'quote is applied', report);
    const { compile, plan, apply, pause } = report.ms;
    say(`  ${target.function} (src/pricing.ts:${target.line}) ${target.status} by ${target.engine}`);
    say(`  compile ${compile} ms, plan ${plan} ms, apply ${apply} ms; the process was held for ${pause} ms`);
    say(`  ${meanwhile} requests were answered meanwhile, none failed`);

    const after = await ask(3);
    say(`  before  ${JSON.stringify(before)}`);
    say(`  after   ${JSON.stringify(after)}`);
    hold(after.quote.total === 27 && after.quote.note.includes('10 % off'), 'the new code answers 27', after);
    hold(after.pid === before.pid, 'the process is the same', after);
    hold(after.served > before.served + meanwhile - 1, 'its counter went on', after);
    say(`  same pid ${after.pid}; its counter went on from ${before.served} to ${after.served}`);

    step('List what is loaded');
    say((await hotpatch('list', '--pid', String(service.pid))).trimEnd());
    const listed = JSON.parse(await hotpatch('list', '--pid', String(service.pid), '--json'));
    hold(listed.length === 1 && listed[0].id === report.patchId, 'the patch is listed', listed);

    step('Unload it');
    say(`  ${(await hotpatch('unload', report.patchId, '--pid', String(service.pid))).trimEnd()}`);
    const restored = await ask(3);
    say(`  again   ${JSON.stringify(restored)}`);
    hold(restored.quote.total === 30 && restored.pid === before.pid, 'the original answers again', restored);
    const empty = JSON.parse(await hotpatch('list', '--pid', String(service.pid), '--json'));
    hold(empty.length === 0, 'nothing is listed', empty);
    hold(service.exitCode === null, 'the service still runs', service.exitCode);
  } finally {
    running?.service.removeAllListeners('exit');
    running?.service.kill();
    await rm(folder, { recursive: true, force: true });
  }

  say(`\n✔ Every step was seen to hold.

To do the same in VS Code:
  npm run package                                   makes hotpatch-<platform>.vsix
  code --install-extension hotpatch-*.vsix          installs it
then run "node sample/dist/service.js", open sample/src/pricing.ts, edit quote(),
right click in it: Hot Patch Function.  (For developing it: open this folder in VS Code and press F5.)`);
}

main().catch((error) => {
  process.stderr.write(`\n✘ ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
