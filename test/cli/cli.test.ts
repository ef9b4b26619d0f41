import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { root } from '../support/doors.ts';
import { startProgram, type Program } from '../support/program.ts';
import { hotpatch, type Ran } from './run.ts';

const service = `const http = require('node:http');
let calls = 0;
function price(x) {
  calls++;
  return x * 2;
}
class Cart {
  #n = 1;
  total() { return price(1) + this.#n; }
  #hidden() { return 1; }
}
const cart = new Cart();
const server = http.createServer((request, response) => {
  response.end(JSON.stringify({ price: price(10), total: cart.total(), calls }));
});
server.listen(0, '127.0.0.1', () => console.log('listening ' + server.address().port));
`;

async function ask(program: Program): Promise<{ price: number; total: number; calls: number }> {
  return (await (await program.fetch('/')).json()) as { price: number; total: number; calls: number };
}

/** Requests until told to stop, so that functions are called while a command runs. */
function keepAsking(program: Program): () => Promise<void> {
  let going = true;
  const done = (async () => {
    while (going) await ask(program);
  })();
  return async () => {
    going = false;
    await done;
  };
}

function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

/** The program still serves its original answer, nothing is loaded, and no inspector is open. */
async function assertUntouched(program: Program): Promise<void> {
  assert.equal((await ask(program)).price, 20);
  assert.equal(await isPortFree(9229), true, 'port 9229 is closed');
}

function assertFails(ran: Ran, status: number, code: string): void {
  assert.equal(ran.status, status, ran.stdout + ran.stderr);
  assert.match(ran.stderr, new RegExp(`^${code} `, 'm'));
}

describe('the command line', () => {
  it('lists Node processes in a table and as the contract says', async () => {
    await using program = await startProgram({ 'main.js': service });
    await program.waitForOutput(/listening/);
    const { status, stdout, stderr } = await hotpatch('ps', '--json');
    assert.deepEqual([status, stderr], [0, '']);
    const rows = JSON.parse(stdout) as { pid: number }[];
    const row = rows.find(({ pid }) => pid === program.pid);
    assert.deepEqual(row, {
      pid: program.pid,
      command: `${process.execPath} ${program.path('main.js')}`,
      cwd: program.folder,
      node: process.versions.node,
      inspector: null,
      agent: false,
    });
    assert.match(
      (await hotpatch('ps')).stdout,
      new RegExp(`^${program.pid} +${process.versions.node} +closed`, 'm'),
    );
  });

  it('patches, lists and unloads, with nothing but JSON on stdout', async () => {
    await using program = await startProgram({ 'main.js': service });
    await ask(program);
    const pid = String(program.pid);
    await writeFile(
      program.path('main.js'),
      service.replace('x * 2', 'x * 200').replace('+ this.#n', '- this.#n'),
    );
    const stop = keepAsking(program);
    const patched = await hotpatch('patch', program.path('main.js'), '--pid', pid, '--json', '--wait', '20');
    await stop();
    assert.deepEqual([patched.status, patched.stderr], [0, '']);
    const report = JSON.parse(patched.stdout);
    assert.deepEqual(report.targets, [
      {
        function: 'price',
        file: program.path('main.js'),
        line: 3,
        status: 'applied',
        engine: 'scope-binding',
        code: null,
        reason: null,
      },
      {
        function: 'Cart.total',
        file: program.path('main.js'),
        line: 9,
        status: 'applied',
        engine: 'scope-binding',
        code: null,
        reason: null,
      },
    ]);
    assert.deepEqual(Object.keys(report), ['patchId', 'pid', 'targets', 'ms']);
    assert.deepEqual(Object.keys(report.ms), ['compile', 'plan', 'apply', 'pause']);
    const { price, total } = await ask(program);
    assert.deepEqual([price, total], [2000, 199]);
    assert.equal(await isPortFree(9229), true, 'the inspector is closed again');

    const listed = JSON.parse((await hotpatch('list', '--pid', pid, '--json')).stdout);
    assert.deepEqual(
      listed.map(({ id, title }: { id: string; title: string }) => [id, title]),
      [[report.patchId, 'price, Cart.total']],
    );
    const again = await hotpatch('patch', program.path('main.js'), '--pid', pid, '--json');
    assertFails(again, 3, 'HP4001');

    const unloaded = await hotpatch('unload', report.patchId.slice(0, 8), '--pid', pid, '--json');
    assert.deepEqual(
      [unloaded.status, JSON.parse(unloaded.stdout)],
      [0, { unloaded: [report.patchId], blocked: [] }],
    );
    await assertUntouched(program);
    const rows = JSON.parse((await hotpatch('ps', '--json')).stdout) as { pid: number; agent: boolean }[];
    assert.equal(rows.find((row) => row.pid === program.pid)?.agent, true);
  });

  it('says with --dry-run what would happen and changes nothing', async () => {
    await using program = await startProgram({ 'main.js': service });
    await ask(program);
    await writeFile(program.path('main.js'), service.replace('x * 2', 'x * 3'));
    const { status, stdout } = await hotpatch(
      'patch',
      program.path('main.js'),
      '--pid',
      String(program.pid),
      '--dry-run',
      '--json',
    );
    const [target] = JSON.parse(stdout).targets;
    assert.deepEqual([status, target.function, target.engine], [0, 'price', 'scope-binding']);
    await assertUntouched(program);
    assert.equal((await hotpatch('list', '--pid', String(program.pid), '--json')).stdout, '[]\n');
  });

  it('patches only the functions that are named', async () => {
    await using program = await startProgram({ 'main.js': service });
    await ask(program);
    await writeFile(
      program.path('main.js'),
      service.replace('x * 2', 'x * 3').replace('+ this.#n', '- this.#n'),
    );
    const stop = keepAsking(program);
    const { stdout } = await hotpatch(
      'patch',
      program.path('main.js'),
      '--function',
      'Cart.total',
      '--pid',
      String(program.pid),
      '--wait',
      '20',
      '--json',
    );
    await stop();
    assert.deepEqual(
      JSON.parse(stdout).targets.map(({ function: name, status }: { function: string; status: string }) => [
        name,
        status,
      ]),
      [['Cart.total', 'applied']],
    );
    const { price, total } = await ask(program);
    assert.deepEqual([price, total], [20, 1]);
  });

  const bad: Readonly<
    Record<
      string,
      { edit?: string; args: (p: Program) => string[]; status: number; code: string; says?: RegExp }
    >
  > = {
    'an unknown pid': {
      args: (p) => ['patch', p.path('main.js'), '--pid', '4194303'],
      status: 4,
      code: 'HP1001',
    },
    'a missing pid': { args: (p) => ['patch', p.path('main.js')], status: 2, code: 'HP9001' },
    'an unknown command': { args: () => ['patchh'], status: 2, code: 'HP9001' },
    'an option of another command': { args: () => ['ps', '--all'], status: 2, code: 'HP9001' },
    'a file that is not there': {
      args: (p) => ['patch', p.path('nowhere.js'), '--pid', String(p.pid)],
      status: 3,
      code: 'HP3001',
    },
    'a file that is no script': {
      args: (p) => ['patch', p.path('read.me'), '--pid', String(p.pid)],
      status: 3,
      code: 'HP3005',
    },
    'a file that is not loaded there': {
      args: (p) => ['patch', p.path('unused.js'), '--pid', String(p.pid)],
      status: 3,
      code: 'HP3003',
    },
    'a function that does not exist': {
      args: (p) => ['patch', p.path('main.js'), '--function', 'prise', '--pid', String(p.pid)],
      status: 3,
      code: 'HP2001',
      says: /price, Cart\.total, Cart\.#hidden/,
    },
    'nothing edited': {
      args: (p) => ['patch', p.path('main.js'), '--pid', String(p.pid)],
      status: 3,
      code: 'HP2003',
    },
    'a syntax error': {
      edit: service.replace('return x * 2;', 'return x * ;'),
      args: (p) => ['patch', p.path('main.js'), '--pid', String(p.pid), '--json'],
      status: 3,
      code: 'HP3002',
      says: /main\.js:5:14/,
    },
    'an edit outside all functions': {
      edit: service.replace('let calls = 0;', 'let calls = 100;'),
      args: (p) => ['patch', p.path('main.js'), '--pid', String(p.pid)],
      status: 3,
      code: 'HP2017',
    },
    'an unknown patch': {
      args: (p) => ['unload', 'beef', '--pid', String(p.pid)],
      status: 3,
      code: 'HP4002',
    },
  };
  for (const [what, { edit, args, status, code, says }] of Object.entries(bad)) {
    it(`answers ${what} with ${code} and exit status ${status}, nothing changed`, async () => {
      const files = { 'main.js': service, 'unused.js': 'function f() {}', 'read.me': 'words' };
      await using program = await startProgram(files);
      await ask(program);
      if (edit !== undefined) await writeFile(program.path('main.js'), edit);
      const ran = await hotpatch(...args(program));
      assertFails(ran, status, code);
      if (says) assert.match(ran.stderr, says);
      await assertUntouched(program);
    });
  }

  it('answers a pid that is not Node, and says so', async () => {
    const sleeper = spawn('sleep', ['60'], { stdio: 'ignore' });
    try {
      assertFails(await hotpatch('list', '--pid', String(sleeper.pid)), 4, 'HP1002');
      assert.equal(sleeper.exitCode, null);
    } finally {
      sleeper.kill('SIGKILL');
    }
  });

  it('leaves the target serving when the client is killed at any moment', async () => {
    await using program = await startProgram({ 'main.js': service });
    await ask(program);
    await writeFile(program.path('main.js'), service.replace('x * 2', 'x * 3'));
    const args = [
      join(root, 'dist', 'cli.js'),
      'patch',
      program.path('main.js'),
      '--pid',
      String(program.pid),
      '--wait',
      '30',
    ];
    for (const marker of [/Debugger listening/, /Debugger attached/, /Debugger ending/, null]) {
      const client = spawn(process.execPath, args, { stdio: 'ignore' });
      const ended = new Promise((done) => client.once('close', done));
      // Each round is killed at a later step of the way in; the last while it waits for the first call.
      if (marker) await Promise.race([program.waitForNewOutput(marker).catch(() => null), ended]);
      else await Promise.race([waitUntilListed(program), ended]);
      client.kill('SIGKILL');
      await ended;
      const { price } = await ask(program);
      assert.ok(price === 20 || price === 30);
    }
    assert.equal((await hotpatch('unload', '--all', '--pid', String(program.pid))).status, 0);
    await assertUntouched(program);
  });
});

async function waitUntilListed(program: Program): Promise<void> {
  while ((await hotpatch('list', '--pid', String(program.pid), '--json')).stdout === '[]\n');
}
