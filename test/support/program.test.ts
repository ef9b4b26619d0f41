import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { root } from './doors.ts';
import { allNodes, nodeOfMajor } from './nodes.ts';
import { type Program, startProgram } from './program.ts';

const server = `
  const server = require('node:http').createServer((request, response) => response.end(request.url));
  server.listen(0, '127.0.0.1', () => console.log('listening ' + server.address().port));
`;
const endless = `setInterval(() => {}, 1000); console.log('ready');`;

describe('programs under test', () => {
  for (const node of allNodes()) {
    it(`run on Node ${node.version}`, async () => {
      await using p = await startProgram({ 'main.js': 'console.log(process.version)' }, { node });
      await p.waitForOutput(new RegExp(`^v${node.version}$`, 'm'));
      assert.deepEqual(await p.exited, { code: 0, signal: null });
    });
  }

  it('are ordinary processes, without flags of ours', async () => {
    const print = `console.log(JSON.stringify([process.execArgv, process.env.NODE_OPTIONS ?? null]))`;
    await using p = await startProgram({ 'main.js': print });
    await p.waitForOutput(/^\[\[\],null\]$/m);
  });

  it('have the files, arguments, environment and folder they are given', async () => {
    const files = {
      'lib/name.mjs': `export const name = process.env.NAME;`,
      'main.mjs': `import { name } from './lib/name.mjs'; console.log(name, process.argv[2], process.cwd());`,
    };
    await using p = await startProgram(files, {
      entry: 'main.mjs',
      args: ['argument'],
      env: { NAME: 'name' },
      cwd: root,
    });
    await p.exited;
    assert.equal(p.stdout, `name argument ${root}\n`);
  });

  it('answer over HTTP', async () => {
    await using p = await startProgram({ 'main.js': server });
    assert.equal(await (await p.fetch('/hello')).text(), '/hello');
  });

  it('can be waited for again, for what they print from then on', async () => {
    const count = `let n = 0; setInterval(() => console.log('tick', ++n), 5);`;
    await using p = await startProgram({ 'main.js': count });
    const [, first] = await p.waitForOutput(/tick (\d+)\n/);
    const [, next] = await p.waitForNewOutput(/tick (\d+)\n/);
    assert.equal(first, '1');
    assert.ok(Number(next) > 1);
  });

  it('that end too early, or print something else, say what they printed', async () => {
    await using ending = await startProgram({ 'main.js': `console.error('no such table'); process.exit(3)` });
    await assert.rejects(ending.waitForOutput(/ready/), /ended with code 3 .*no such table/s);
    await using other = await startProgram({ 'main.js': endless });
    await other.waitForOutput(/ready/);
    await assert.rejects(other.waitForOutput(/done/, 1), /no \/done\/ within 1 ms.*ready/s);
  });

  it('are gone after a test that throws, with their children and their folder', async () => {
    const parent = `
      const child = require('node:child_process').fork(__filename.replace('main', 'child'));
      process.on('SIGTERM', () => {});
      child.on('message', () => console.log('child', child.pid));
      setInterval(() => {}, 1000);
    `;
    let program: Program | undefined;
    let child = 0;
    await assert.rejects(async () => {
      await using p = await startProgram({ 'main.js': parent, 'child.js': `process.send(1); ${endless}` });
      program = p;
      child = Number((await p.waitForOutput(/child (\d+)/))[1]);
      throw new Error('thrown by the test');
    }, /thrown by the test/);
    assert.ok(!isRunning(program!.pid));
    await until(() => !isRunning(child));
    assert.ok(!existsSync(program!.folder));
  });

  it('are gone when the tests themselves are killed', async () => {
    const script = `
      import { startProgram } from ${JSON.stringify(join(__dirname, 'program.ts'))};
      const p = await startProgram({ 'main.js': ${JSON.stringify(endless)} });
      await p.waitForOutput(/ready/);
      process.stdout.write(p.pid + ' ' + p.folder + '\\n');
    `;
    await using tests = await startProgram(
      { 'tests.mts': script },
      { nodeArgs: ['--import', require.resolve('tsx').replaceAll('\\', '/')], cwd: root },
    );
    const [, pid, folder] = await tests.waitForOutput(/^(\d+) (.+)$/m);
    process.kill(tests.pid, 'SIGKILL');
    await until(() => !isRunning(Number(pid)) && !existsSync(folder!));
  });

  it('can be in a folder that was there, which stays', async () => {
    await using first = await startProgram({ 'main.js': endless });
    {
      await using second = await startProgram(first.folder);
      await second.waitForOutput(/ready/);
    }
    assert.ok(existsSync(first.path('main.js')));
  });

  it('cannot be started with a Node that is not there', async () => {
    const node = { major: 1, version: '1.0.0', path: join(root, 'no-such-node') };
    await assert.rejects(startProgram({ 'main.js': endless }, { node }), /ENOENT/);
    assert.throws(() => nodeOfMajor(1), /No Node 1 here/);
  });

  it('can belong to another user', async function () {
    if (process.getuid?.() !== 0) return this.skip();
    const print = `console.log(process.getuid(), process.getgid()); require('fs').writeFileSync('mine', '')`;
    await using p = await startProgram({ 'main.js': print }, { uid: 65534 });
    await p.exited;
    assert.equal(p.stdout, '65534 65534\n', p.stderr);
  });
});

/** A process that has ended but that nobody has asked about (a zombie) is not running. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** For what nobody announces: asks again until it is so. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await setTimeout(5);
}
