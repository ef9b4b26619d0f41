import assert from 'node:assert/strict';
import { HotPatchError } from '../../extension/patch/error.ts';
import { AgentConnection } from '../../extension/target/connection.ts';
import { attach } from '../support/attached.ts';
import { nodeOfMajor } from '../support/nodes.ts';
import { startProgram } from '../support/program.ts';

const service = `
const http = require('node:http');
let calls = 0;
function one() { calls++; return 'one'; }
function two() { return 'two'; }
const wait = async (gate) => {
  await gate;
  return 'waited';
};
let open;
const server = http.createServer(async (request, response) => {
  if (request.url === '/suspend') { const gate = new Promise((resolve) => { open = resolve; }); pending = wait(gate); response.end('suspended'); return; }
  if (request.url === '/resume') { open(); open = null; response.end(await pending); pending = null; return; }
  response.end(JSON.stringify([one(), two()]));
});
let pending;
server.listen(0, '127.0.0.1', () => console.log('listening ' + server.address().port));
`;

describe('the ledger', () => {
  const node = nodeOfMajor(22);
  const edit = (...words: [string, string][]) =>
    words.reduce((text, [from, to]) => text.replace(from, to), service);

  it('lets patches stack and recomputes what runs when they are unloaded in any order', async () => {
    await using program = await startProgram({ 'main.js': service }, { node });
    await using attached = await attach(program);
    const ask = async () => (await program.fetch('/')).json();
    const load = async (text: string) => {
      const { patchId } = await attached.edit('main.js', text);
      await ask();
      return patchId!;
    };
    const a = await load(edit([`return 'one'`, `return 'A'`]));
    assert.deepEqual(await ask(), ['A', 'two']);
    const b = await load(edit([`return 'one'`, `return 'B'`], [`return 'two'`, `return 'B'`]));
    assert.deepEqual(await ask(), ['B', 'B']);
    const c = await load(edit([`return 'two'`, `return 'C'`]));
    assert.deepEqual(await ask(), ['B', 'C']);
    const covered = (await attached.session.list())[0]!.functions[0]!.outcome;
    assert.equal(covered.status, 'pending', 'a patch behind another of its function is not called applied');

    await attached.session.unload([b]);
    assert.deepEqual(await ask(), ['A', 'C']);
    await attached.session.unload([a]);
    assert.deepEqual(await ask(), ['one', 'C']);
    await attached.session.unload([c]);
    assert.deepEqual(await ask(), ['one', 'two']);
  });

  it('refuses the same patch again by its id, and takes the same file with new content as a new patch', async () => {
    await using program = await startProgram({ 'main.js': service }, { node });
    await using attached = await attach(program);
    const first = await attached.edit('main.js', edit([`return 'one'`, `return 'A'`]));
    await assert.rejects(attached.edit('main.js', edit([`return 'one'`, `return 'A'`])), { code: 'HP4001' });
    const second = await attached.edit('main.js', edit([`return 'one'`, `return 'AA'`]));
    assert.notEqual(first.patchId, second.patchId);
    assert.match(first.patchId!, /^[0-9a-f]{64}$/);
  });

  // V8 counts a finished async function as suspended while something still reaches it; the program lets go of it.
  it('keeps a patch whose function is suspended, says so, and unloads it when the call has ended', async () => {
    await using program = await startProgram({ 'main.js': service }, { node });
    await using attached = await attach(program);
    const { patchId, targets } = await attached.edit(
      'main.js',
      edit([`return 'waited'`, `return 'patched'`]),
    );
    assert.equal(targets[0]?.engine, 'live-edit');
    await program.fetch('/suspend');
    const { unloaded, blocked } = await attached.session.unload([patchId!]);
    assert.deepEqual([unloaded, blocked.map(({ id, code }) => [id, code])], [[], [[patchId, 'HP4007']]]);
    const [listed] = await attached.session.list();
    assert.equal(listed?.unloadBlocked?.code, 'HP4007');
    assert.equal(await (await program.fetch('/resume')).text(), 'patched');
    assert.deepEqual((await attached.session.unload([patchId!])).unloaded, [patchId]);
  });

  it('refuses to edit a suspended function and changes nothing', async () => {
    await using program = await startProgram({ 'main.js': service }, { node });
    await using attached = await attach(program);
    await program.fetch('/suspend');
    const report = await attached.edit('main.js', edit([`return 'waited'`, `return 'patched'`]));
    assert.deepEqual(
      report.targets.map(({ status, code }) => [status, code]),
      [['refused', 'HP4007']],
    );
    assert.equal(await (await program.fetch('/resume')).text(), 'waited');
    assert.deepEqual(await attached.session.list(), []);
  });

  it('is all or nothing: a function that cannot be replaced keeps the others of its patch as they were', async () => {
    await using program = await startProgram({ 'main.js': service }, { node });
    await using attached = await attach(program);
    const text = edit([`return 'one'`, `return 'A'`], [`return 'two'`, `return missing`]).replace(
      'let open;',
      'let open, missing;',
    );
    const report = await attached.edit('main.js', text, { functions: ['one', 'two'] });
    assert.deepEqual(
      report.targets.map(({ function: name, status, code }) => [name, status, code]),
      [
        ['one', 'refused', 'HP4012'],
        ['two', 'refused', 'HP2004'],
      ],
    );
    assert.equal(report.patchId, null);
    assert.deepEqual(await (await program.fetch('/')).json(), ['one', 'two']);
  });

  it('gives up a patch that nothing calls within its limit, changes nothing, and says so', async () => {
    await using program = await startProgram({ 'main.js': service }, { node });
    await using attached = await attach(program);
    // The same request the session makes, with a limit of its own.
    const request = AgentConnection.prototype.request;
    AgentConnection.prototype.request = function (method, params) {
      return request.call(this, method, method === 'load' ? { ...params, limitMs: 1 } : params) as never;
    };
    try {
      await attached.edit('main.js', edit([`return 'one'`, `return 'A'`]));
    } finally {
      AgentConnection.prototype.request = request;
    }
    await attached.until(([patch]) => patch?.functions[0]?.outcome.status === 'refused');
    const [patch] = await attached.session.list();
    const outcome = patch!.functions[0]!.outcome;
    assert.equal(outcome.status === 'refused' && outcome.code, 'HP4005');
    assert.deepEqual(await (await program.fetch('/')).json(), ['one', 'two']);
    await attached.session.unload('all');
    assert.deepEqual(await attached.session.list(), []);
  });

  it('says which patches there are when an id is wrong', async () => {
    await using program = await startProgram({ 'main.js': service }, { node });
    await using attached = await attach(program);
    await assert.rejects(attached.session.unload(['beef']), (error) => HotPatchError.is(error, 'HP4002'));
  });

  it('notices when something else replaced the function, and does not call that applied', async () => {
    const wrapped = service.replace(
      'let pending;',
      `let pending; process.on('SIGUSR2', () => { one = () => 'wrapped'; console.log('wrapped'); });`,
    );
    await using program = await startProgram({ 'main.js': wrapped }, { node });
    await using attached = await attach(program);
    // The program assigns the name itself, which the planner sees.
    const report = await attached.edit('main.js', wrapped.replace(`return 'one'`, `return 'A'`));
    assert.equal(report.targets[0]?.status === 'applied', false);
  });

  it('calls a patch stale once the replaced function is called through a reference that nobody could see', async () => {
    const keeping = `
const http = require('node:http');
function price(x) { return x * 2; }
// The planner takes a callback of map() for gone when the call returns; this one keeps it.
const registry = { map(callback) { this.kept = callback; } };
registry.map(price);
const server = http.createServer((request, response) => {
  response.end(String(request.url === '/kept' ? registry.kept(10) : price(10)));
});
server.listen(0, '127.0.0.1', () => console.log('listening ' + server.address().port));
`;
    await using program = await startProgram({ 'main.js': keeping }, { node });
    await using attached = await attach(program);
    const { targets } = await attached.edit('main.js', keeping.replace('x * 2', 'x * 3'));
    assert.equal(targets[0]?.engine, 'scope-binding');
    const ask = async (path: string) => (await program.fetch(path)).text();
    assert.equal(await ask('/'), '30');
    assert.equal((await attached.session.list())[0]?.functions[0]?.outcome.status, 'applied');
    assert.equal(await ask('/kept'), '20');
    await attached.until(([patch]) => patch?.functions[0]?.outcome.status === 'stale');
    await attached.session.unload('all');
    assert.deepEqual([await ask('/'), await ask('/kept')], ['20', '20']);
  });

  // Caused by two breakpoints at one place: V8 refuses the second, and calls of the replaced function are watched there.
  it('takes a second patch whose door would be where calls of the first one are still looked for', async () => {
    const shadowing = `
const http = require('node:http');
let rate = 2;
function reads() { return rate; }
function one() { return 1; }
function two() { return 2; }
const server = http.createServer((request, response) => {
  const rate = 'not the one that two() means';
  response.end(JSON.stringify([one(), two(), reads(), rate.length]));
});
server.listen(0, '127.0.0.1', () => console.log('listening ' + server.address().port));
`;
    await using program = await startProgram({ 'main.js': shadowing }, { node });
    await using attached = await attach(program);
    const ask = async () => (await (await program.fetch('/')).json()) as number[];
    await attached.edit('main.js', shadowing.replace('return 1;', 'return 10;'));
    assert.equal((await ask())[0], 10);
    const text = shadowing.replace('return 2;', 'return rate * 100;');
    const { targets } = await attached.edit('main.js', text, { functions: ['two'] });
    assert.deepEqual([targets[0]?.engine, targets[0]?.code], ['scope-binding', 'HP4003']);
    await ask();
    assert.deepEqual((await ask()).slice(0, 2), [10, 200]);
  });
});
