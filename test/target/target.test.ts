import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { CODES, type Descriptor } from '../../agent/protocol.ts';
import { descriptorPath } from '../../extension/target/descriptor.ts';
import { markOpened } from '../../extension/target/openedMark.ts';
import { describeProcess } from '../../extension/target/processes/find.ts';
import { openTarget, type Target } from '../../extension/target/target.ts';
import { rejectsWith } from './codes.ts';
import { HEART, isListening, nodes, startProgram, until, usePrivateFolder, type Program } from './program.ts';
import { stubAgent } from './stubAgent.ts';

const agentSource = stubAgent();

/** How often an agent was put into the process, as the stub tells. */
async function installs({ connection }: Target): Promise<number> {
  return Number((await connection.request('list', {}))[0]);
}

async function isClosed(program: Program): Promise<void> {
  await until('the inspector to close', () => !isListening(9229));
  await program.answers();
  assert.equal((await describeProcess(program.pid)).inspector, null);
}

describe('opening a target', function () {
  this.timeout(60_000);
  let folder: Awaited<ReturnType<typeof usePrivateFolder>>;
  beforeEach(async () => (folder = await usePrivateFolder()));
  afterEach(() => folder[Symbol.asyncDispose]());

  const esm = `import { setTimeout as later } from 'node:timers/promises'; await later(1); ${HEART}`;
  for (const node of nodes) {
    for (const [what, files] of Object.entries({
      CommonJS: { 'main.cjs': HEART },
      ESM: { 'main.mjs': esm },
    })) {
      it(`enters ${what} once, closes the inspector, and connects again (Node ${node.major})`, async () => {
        await using program = await startProgram(files, { node });
        const first = await openTarget(program.pid, { agentSource });
        await isClosed(program);
        assert.equal(first.process.agent, true);
        const second = await openTarget(program.pid, { agentSource: '(((' });
        assert.equal(await installs(second), 1);
        first.connection.close();
        assert.equal(await installs(second), 1);
        const ended = new Promise((resolve) => second.connection.onEnd((error) => resolve(error.code)));
        await program.kill();
        assert.equal(await ended, CODES.processEnded);
        await rejectsWith(CODES.noSuchProcess, openTarget(program.pid, { agentSource }));
      });
    }

    it(`leaves an inspector open that was open before (Node ${node.major})`, async () => {
      await using program = await startProgram({ 'main.js': HEART }, { node, nodeArgs: ['--inspect=9361'] });
      const target = await openTarget(program.pid, { agentSource });
      assert.equal(await installs(target), 1);
      assert.ok(isListening(9361));
      await program.answers();
      target.connection.close();
    });

    it(`closes an inspector that opens elsewhere: --inspect-port=9362, and any port (Node ${node.major})`, async () => {
      for (const port of [9362, 0]) {
        await using program = await startProgram(
          { 'main.js': HEART },
          { node, nodeArgs: [`--inspect-port=${port}`] },
        );
        const target = await openTarget(program.pid, { agentSource });
        const opened = Number(/ws:\/\/127\.0\.0\.1:(\d+)\//.exec(program.stderr)?.[1]);
        assert.ok(port === 0 ? opened > 0 : opened === port);
        assert.ok(!isListening(opened));
        await program.answers();
        target.connection.close();
      }
    });

    it(`is not held up by others at the inspector (Node ${node.major})`, async () => {
      await using program = await startProgram({ 'main.js': HEART }, { node });
      process.kill(program.pid, 'SIGUSR1');
      await until('the inspector', () => isListening(9229));
      // Says nothing and never hangs up by itself.
      const silent = connect(9229, '127.0.0.1').on('error', () => {});
      await once(silent, 'connect');
      await markOpened(folder.path, await describeProcess(program.pid), 9229);
      const target = await openTarget(program.pid, { agentSource });
      await isClosed(program);
      target.connection.close();
      silent.destroy();
    });
  }

  it('finds a program whose title hides its flags', async () => {
    await using program = await startProgram(
      { 'main.js': `process.title = 'my service';${HEART}` },
      { nodeArgs: ['--inspect-port=9363'] },
    );
    assert.equal((await describeProcess(program.pid)).command.trim(), 'my service');
    const target = await openTarget(program.pid, { agentSource });
    assert.equal(await installs(target), 1);
    assert.ok(!isListening(9363));
    target.connection.close();
    await program.answers();
  });

  it('closes what a killed client left open at a port that only it knew', async () => {
    for (const then of ['the same', 'another'] as const) {
      await using program = await startProgram({ 'main.js': HEART }, { nodeArgs: ['--inspect-port=0'] });
      await using other = await startProgram({ 'main.js': HEART });
      process.kill(program.pid, 'SIGUSR1');
      const [, port] = await program.waitForOutput(/ws:\/\/127\.0\.0\.1:(\d+)\//);
      await markOpened(folder.path, await describeProcess(program.pid), Number(port));
      const { pid } = then === 'the same' ? program : other;
      const target = await openTarget(pid, { agentSource });
      assert.equal(await installs(target), 1);
      await until('it to close', () => !isListening(Number(port)));
      target.connection.close();
      await isClosed(program);
    }
  });

  it('works for two clients at once: one enters, the other connects', async () => {
    await using program = await startProgram({ 'main.js': HEART });
    const both = await Promise.all([1, 2, 3].map(() => openTarget(program.pid, { agentSource })));
    for (const target of both) assert.equal(await installs(target), 1);
    await isClosed(program);
    for (const { connection } of both) connection.close();
  });

  it('works for two processes, one after the other and at once', async () => {
    await using a = await startProgram({ 'main.js': HEART });
    await using b = await startProgram({ 'main.js': HEART });
    await using c = await startProgram({ 'main.js': HEART });
    const first = await openTarget(a.pid, { agentSource });
    const others = await Promise.all([b, c].map(({ pid }) => openTarget(pid, { agentSource })));
    for (const target of [first, ...others]) {
      assert.equal(await installs(target), 1);
      target.connection.close();
    }
    for (const program of [a, b, c]) await isClosed(program);
  });

  it('enters again when the pipe is dead', async () => {
    await using program = await startProgram({ 'main.js': HEART });
    (await openTarget(program.pid, { agentSource })).connection.close();
    const { pipe } = JSON.parse(
      await readFile(descriptorPath(folder.path, program.pid), 'utf8'),
    ) as Descriptor;
    await rm(pipe);
    const again = await openTarget(program.pid, { agentSource });
    assert.equal(await installs(again), 2);
    again.connection.close();
    await isClosed(program);
  });

  it('enters when the descriptor is of an earlier process with this pid', async () => {
    await using program = await startProgram({ 'main.js': HEART });
    const stale = {
      pid: program.pid,
      startTime: 'earlier',
      pipe: join(folder.path, `${program.pid}-1.sock`),
      token: 'x',
      version: '1',
      protocol: 1,
    };
    await writeFile(descriptorPath(folder.path, program.pid), JSON.stringify(stale), { mode: 0o600 });
    const target = await openTarget(program.pid, { agentSource });
    assert.equal(await installs(target), 1);
    target.connection.close();
  });

  it('refuses a descriptor with another token, and an agent of another protocol', async () => {
    await using program = await startProgram({ 'main.js': HEART });
    (await openTarget(program.pid, { agentSource })).connection.close();
    const path = descriptorPath(folder.path, program.pid);
    const descriptor = JSON.parse(await readFile(path, 'utf8')) as Descriptor;
    await writeFile(path, JSON.stringify({ ...descriptor, token: 'wrong' }));
    await rejectsWith(CODES.wrongToken, openTarget(program.pid, { agentSource }));
    await writeFile(path, JSON.stringify({ ...descriptor, protocol: 99 }));
    await rejectsWith(CODES.agentVersion, openTarget(program.pid, { agentSource }));
    await isClosed(program);
  });

  it('leaves nothing in the folder but what the agent needs', async () => {
    await using program = await startProgram({ 'main.js': HEART });
    (await openTarget(program.pid, { agentSource })).connection.close();
    const names = (await readdir(folder.path)).map((name) => name.replace(/-[0-9a-f]{16}/, '-RANDOM')).sort();
    assert.deepEqual(names, [`${program.pid}-RANDOM.sock`, `${program.pid}.json`]);
  });
});

describe('a client that is killed', function () {
  this.timeout(120_000);
  const client = `
    const { openTarget } = require(${JSON.stringify(require.resolve('../../extension/target/target.ts'))});
    process.stdin.once('data', (text) => {
      const { pid, agentSource } = JSON.parse(text);
      process.stdout.write('go\\n');
      openTarget(pid, { agentSource }).then(() => process.stdout.write('done\\n'), (error) => process.stdout.write(error.stack));
    });
    process.stdout.write('ready\\n');`;

  for (const node of nodes) {
    // What an agent that leaves the inspector to its client makes of it does not depend on the Node.
    const kinds = node.major === 22 ? (['good', 'ignoresInspector'] as const) : (['good'] as const);
    for (const kind of kinds) {
      it(`at any moment leaves the program running, and the next one tidies up (${kind}, Node ${node.major})`, async () => {
        await using folder = await usePrivateFolder();
        // These only choose the moment; what is waited for are conditions.
        for (const ms of [0, 20, 40, 60, 80, 100, 130]) {
          await using program = await startProgram({ 'main.js': HEART }, { node });
          await using other = await startProgram({ 'main.js': HEART }, { node });
          const child = spawn(process.execPath, ['--import', 'tsx', '-e', client], {
            stdio: ['pipe', 'pipe', 'inherit'],
          });
          await once(child.stdout, 'data');
          child.stdin.write(JSON.stringify({ pid: program.pid, agentSource: stubAgent(kind) }));
          await once(child.stdout, 'data');
          await new Promise((resolve) => setTimeout(resolve, ms));
          child.kill('SIGKILL');
          await once(child, 'exit');
          await program.answers();
          // Another process first: what the dead client left open must not be in the way.
          const [first, second] = ms % 20 === 0 ? [other, program] : [program, other];
          for (const { pid } of [first, second]) (await openTarget(pid, { agentSource })).connection.close();
          await isClosed(program);
          await isClosed(other);
          assert.ok(!(await readdir(folder.path)).some((name) => /opened|^entry\.lock$/.test(name)));
        }
      });
    }
  }
});
