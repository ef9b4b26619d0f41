import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, link, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CODES } from '../../agent/protocol.ts';
import { describeProcess, findProcesses, listProcesses } from '../../extension/target/processes/find.ts';
import { rejectsWith } from './codes.ts';
import { runningNode } from '../support/nodes.ts';
import { HEART, nodes, startProgram, until, usePrivateFolder } from './program.ts';

describe('finding processes', function () {
  this.timeout(30_000);

  for (const node of nodes) {
    it(`describes a program of Node ${node.major}`, async () => {
      await using _folder = await usePrivateFolder();
      await using program = await startProgram({ 'main.js': HEART }, { node });
      const found = await describeProcess(program.pid);
      assert.equal(found.node, node.version);
      assert.equal(found.cwd, program.folder);
      assert.equal(found.script, join(program.folder, 'main.js'));
      assert.equal(found.command, `${node.path} ${found.script}`);
      assert.equal(found.inspector, null);
      assert.equal(found.agent, false);
      assert.deepEqual(found.inspectorWouldOpen, { host: '127.0.0.1', port: 9229 });
      const listed = (await listProcesses()).find(({ pid }) => pid === program.pid);
      assert.deepEqual(listed, found);
    });
  }

  it('tells where the inspector is, from the flags or NODE_OPTIONS', async () => {
    await using byFlag = await startProgram({ 'main.js': HEART }, { nodeArgs: ['--inspect=9341'] });
    await using byOptions = await startProgram(
      { 'main.js': HEART },
      { env: { NODE_OPTIONS: '--inspect=127.0.0.1:9342' } },
    );
    await using later = await startProgram({ 'main.js': HEART }, { nodeArgs: ['--inspect-port=9343'] });
    assert.equal((await describeProcess(byFlag.pid)).inspector, '127.0.0.1:9341');
    assert.equal((await describeProcess(byOptions.pid)).inspector, '127.0.0.1:9342');
    const found = await describeProcess(later.pid);
    assert.equal(found.inspector, null);
    assert.equal(found.inspectorWouldOpen.port, 9343);
  });

  it("sends nothing to a service's own port", async () => {
    const service = `${HEART}
      require('node:net').createServer(() => console.log('somebody came')).listen(9344, '127.0.0.1', () => console.log('serving'));`;
    await using program = await startProgram({ 'main.js': service });
    await program.waitForOutput(/serving/);
    await listProcesses();
    assert.equal((await describeProcess(program.pid)).inspector, null);
    await program.answers();
    assert.ok(!program.stdout.includes('somebody came'));
  });

  it('lists neither ourselves nor other programs', async () => {
    const sleeper = spawn('sleep', ['60']);
    const pids: number[] = [];
    for await (const found of findProcesses()) pids.push(found.pid);
    sleeper.kill('SIGKILL');
    assert.ok(!pids.includes(process.pid));
    assert.ok(!pids.includes(sleeper.pid!));
  });

  it('asks an executable without a header beside it, with no NODE_OPTIONS', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hotpatch-node-'));
    const path = join(folder, 'node-99');
    await link(process.execPath, path).catch(() => copyFile(process.execPath, path));
    const before = process.env['NODE_OPTIONS'];
    try {
      await using program = await startProgram({ 'main.js': HEART }, { node: { ...runningNode, path } });
      process.env['NODE_OPTIONS'] = '--require /nowhere.js';
      assert.equal((await describeProcess(program.pid)).node, process.versions.node);
    } finally {
      if (before === undefined) delete process.env['NODE_OPTIONS'];
      else process.env['NODE_OPTIONS'] = before;
      await rm(folder, { recursive: true });
    }
  });

  it('refuses a pid that nobody has', async () => {
    const child = spawn(process.execPath, ['-e', '0']);
    await once(child, 'exit');
    for (const pid of [child.pid!, 0, -1, 1.5, NaN])
      await rejectsWith(CODES.noSuchProcess, describeProcess(pid));
  });

  it('refuses a program that is not Node', async () => {
    const sleeper = spawn('sleep', ['60']);
    await until('sleep', async () =>
      (await describeProcess(sleeper.pid!).catch((error: Error) => error.message))
        .toString()
        .includes('sleep 60'),
    );
    const error = await rejectsWith(CODES.notNode, describeProcess(sleeper.pid!));
    sleeper.kill('SIGKILL');
    assert.equal(error.data['command'], 'sleep 60');
  });

  it('refuses a process of another user, even to root', async function () {
    if (process.geteuid!() !== 0) this.skip();
    await using program = await startProgram({ 'main.js': HEART }, { uid: 65534 });
    const error = await rejectsWith(CODES.otherUser, describeProcess(program.pid));
    assert.ok(!(await listProcesses()).some(({ pid }) => pid === program.pid));
    assert.equal(error.data['user'], 'nobody');
  });

  it('does not take a closed port for an inspector because another process holds it', async () => {
    const server = createServer().listen(9345, '127.0.0.1');
    await once(server, 'listening');
    await using program = await startProgram({ 'main.js': HEART }, { nodeArgs: ['--inspect-port=9345'] });
    assert.equal((await describeProcess(program.pid)).inspector, null);
    server.close();
  });
});
