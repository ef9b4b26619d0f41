import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { HotPatchError } from '../../extension/patch/error.ts';
import { CODES } from '../../agent/protocol.ts';
import { enter } from '../../extension/target/entry.ts';
import { markOf } from '../../extension/target/openedMark.ts';
import { describeProcess } from '../../extension/target/processes/find.ts';
import { openTarget } from '../../extension/target/target.ts';
import { rejectsWith } from './codes.ts';
import { HEART, isListening, nodes, startProgram, until, usePrivateFolder, type Program } from './program.ts';
import { stubAgent, type StubKind } from './stubAgent.ts';

const agentSource = stubAgent();

/** The target goes on running, and its inspector is as closed as it was. */
async function isUntouched(program: Program): Promise<void> {
  await program.answers();
  assert.equal((await describeProcess(program.pid)).inspector, null);
  assert.ok(!isListening(9229));
}

describe('entry is refused', function () {
  this.timeout(60_000);
  let folder: Awaited<ReturnType<typeof usePrivateFolder>>;
  beforeEach(async () => (folder = await usePrivateFolder()));
  afterEach(() => folder[Symbol.asyncDispose]());

  it('while a server holds port 9229', async () => {
    const server = createServer().listen(9229, '127.0.0.1');
    await once(server, 'listening');
    await using program = await startProgram({ 'main.js': HEART });
    const error = await rejectsWith(CODES.portTaken, openTarget(program.pid, { agentSource }));
    server.close();
    await once(server, 'close');
    assert.match(String(error.data['holder']), new RegExp(`process ${process.pid} \\(.*mocha`));
    await isUntouched(program);
    (await openTarget(program.pid, { agentSource })).connection.close();
    await isUntouched(program);
  });

  it("while another program's inspector holds port 9229", async () => {
    await using other = await startProgram({ 'main.js': HEART }, { nodeArgs: ['--inspect'] });
    await using program = await startProgram({ 'main.js': HEART });
    const error = await rejectsWith(CODES.portTaken, openTarget(program.pid, { agentSource }));
    assert.match(String(error.data['holder']), new RegExp(`process ${other.pid} `));
    await program.answers();
    await other.answers();
    assert.ok(isListening(9229));
  });

  it('where the program itself serves on port 9229', async () => {
    const serve = `require('node:net').createServer((s) => s.on('error', () => {}).end('what?')).listen(9229, '127.0.0.1', () => console.log('serving'));`;
    await using program = await startProgram({ 'main.js': HEART + serve });
    await program.waitForOutput(/serving/);
    await rejectsWith(CODES.portTaken, openTarget(program.pid, { agentSource }));
    await program.answers();
  });

  for (const [major, flag] of [
    [22, '--disable-sigusr1'],
    [24, '--disable-sigusr1'],
    [26, '--permission'],
  ] as const) {
    it(`on Node ${major} with ${flag}`, async function () {
      const node = nodes.find((each) => each.major === major);
      if (node === undefined) this.skip();
      const reads = flag === '--permission' ? ['--allow-fs-read=*', '--allow-net'] : [];
      await using program = await startProgram({ 'main.js': HEART }, { node, nodeArgs: [flag, ...reads] });
      const error = await rejectsWith(CODES.inspectorClosed, openTarget(program.pid, { agentSource }));
      assert.equal(error.data['reason'], `it was started with ${flag}`);
      await isUntouched(program);
    });
  }

  it('where the program handles SIGUSR1 itself', async () => {
    await using program = await startProgram({
      'main.js': `process.on('SIGUSR1', () => console.log('mine'));${HEART}`,
    });
    await rejectsWith(CODES.inspectorClosed, openTarget(program.pid, { agentSource, limitMs: 300 }));
    await isUntouched(program);
  });

  it('while the process is stopped, and nothing opens when it goes on', async () => {
    await using program = await startProgram({ 'main.js': HEART });
    process.kill(program.pid, 'SIGSTOP');
    await until(
      'the stop',
      // Until the signal has been delivered it is merely busy.
      () =>
        openTarget(program.pid, { agentSource, limitMs: 200 }).then(
          () => false,
          (error: unknown) => HotPatchError.is(error, CODES.processStopped),
        ),
    );
    process.kill(program.pid, 'SIGCONT');
    await isUntouched(program);
  });

  for (const [what, busy] of Object.entries({
    'a loop': 'const end = Date.now() + 2500; while (Date.now() < end);',
    'a wait': 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2500);',
    'a long native call': `require('node:crypto').pbkdf2Sync('a', 'b', 4_000_000, 64, 'sha512');`,
  })) {
    it(`while the event loop is held by ${what}; the inspector closes when it is free`, async () => {
      const main = `${HEART}globalThis.busy = () => { ${busy} };`;
      await using program = await startProgram({ 'main.js': main });
      await program.becomeBusy();
      await rejectsWith(CODES.processBusy, openTarget(program.pid, { agentSource, limitMs: 200 }));
      await program.waitForOutput(/^free$/m, 20_000);
      const { startTime } = await describeProcess(program.pid);
      await until(
        'the inspector to close',
        async () => !isListening(9229) && (await markOf(folder.path, program.pid, startTime)) === null,
      );
      await isUntouched(program);
      (await openTarget(program.pid, { agentSource })).connection.close();
      await isUntouched(program);
    });
  }

  it('while the loop waits for a child process; the inspector closes afterwards', async () => {
    const main = `${HEART}globalThis.busy = () => require('node:child_process').execSync('sleep 1.5');`;
    await using program = await startProgram({ 'main.js': main });
    await program.becomeBusy();
    await assert.rejects(openTarget(program.pid, { agentSource, limitMs: 200 }));
    await program.waitForOutput(/^free$/m);
    const { startTime } = await describeProcess(program.pid);
    await until(
      'the inspector to close',
      async () => (await markOf(folder.path, program.pid, startTime)) === null,
    );
    await isUntouched(program);
  });

  it('when the inspector turns out to be of another process', async () => {
    await using other = await startProgram({ 'main.js': HEART }, { nodeArgs: ['--inspect=9351'] });
    await using program = await startProgram({ 'main.js': HEART });
    const claimed = { ...(await describeProcess(program.pid)), inspector: '127.0.0.1:9351' };
    const error = await rejectsWith(CODES.wrongProcess, enter(claimed, { agentSource }));
    assert.equal(error.data['found'], other.pid);
    await isUntouched(program);
    await other.answers();
  });

  it('to a Node older than 20', async () => {
    await using program = await startProgram({ 'main.js': HEART });
    const old = { ...(await describeProcess(program.pid)), node: '18.20.4' };
    await rejectsWith(CODES.nodeTooOld, enter(old, { agentSource }));
    await isUntouched(program);
  });

  it('when the pid has become another process, which gets no signal', async () => {
    await using program = await startProgram({
      'main.js': `process.on('SIGUSR1', () => console.log('a signal'));${HEART}`,
    });
    const earlier = { ...(await describeProcess(program.pid)), startTime: 'earlier' };
    await rejectsWith(CODES.processEnded, enter(earlier, { agentSource }));
    await isUntouched(program);
    assert.ok(!program.stdout.includes('a signal'));
  });

  it('when it is given up', async () => {
    await using program = await startProgram({ 'main.js': HEART });
    const reason = new Error('enough');
    await assert.rejects(openTarget(program.pid, { agentSource, signal: AbortSignal.abort(reason) }), reason);
    // In the middle too, at every few milliseconds.
    for (let ms = 5; ms <= 60; ms += 5) {
      const stop = new AbortController();
      setTimeout(() => stop.abort(reason), ms);
      await openTarget(program.pid, { agentSource: stubAgent('noPipe'), signal: stop.signal }).catch(
        () => {},
      );
      await until('the inspector to close', () => !isListening(9229));
    }
    await isUntouched(program);
  });
});

describe('an agent that', function () {
  this.timeout(60_000);
  const expected: [StubKind, string, (typeof CODES)[keyof typeof CODES]][] = [
    ['throws', 'throws while it is installed', CODES.installFailed],
    ['otherVersion', 'finds one of another version there', CODES.agentVersion],
    ['otherProtocol', 'speaks another protocol', CODES.agentVersion],
    ['rejectsToken', 'does not know the token', CODES.wrongToken],
    ['hangs', 'never greets', CODES.processBusy],
    ['noPipe', 'opens no pipe', CODES.agentUnreachable],
  ];
  for (const node of nodes) {
    for (const [kind, what, code] of expected) {
      it(`${what}: ${code}, and the inspector is closed again (Node ${node.major})`, async () => {
        await using _folder = await usePrivateFolder();
        await using program = await startProgram({ 'main.js': HEART }, { node });
        await rejectsWith(code, openTarget(program.pid, { agentSource: stubAgent(kind), limitMs: 500 }));
        await isUntouched(program);
      });
    }
    for (const kind of ['endsInInstall', 'endsInHello'] as const) {
      it(`sees the process end (${kind}): ${CODES.processEnded} (Node ${node.major})`, async () => {
        await using _folder = await usePrivateFolder();
        await using program = await startProgram({ 'main.js': HEART }, { node });
        await rejectsWith(CODES.processEnded, openTarget(program.pid, { agentSource: stubAgent(kind) }));
        assert.ok(!isListening(9229));
      });
    }
  }

  // The closing handshake of WebSocket beside inspector.close() ended 1 to 6 of 100 processes with SIGSEGV.
  for (const node of nodes) {
    it(`is refused again and again does not wear the process out (Node ${node.major})`, async () => {
      await using _folder = await usePrivateFolder();
      await using program = await startProgram({ 'main.js': HEART }, { node });
      for (let turn = 0; turn < 30; turn++) {
        await rejectsWith(CODES.installFailed, openTarget(program.pid, { agentSource: stubAgent('throws') }));
      }
      await isUntouched(program);
    });
  }

  it('is no JavaScript', async () => {
    await using _folder = await usePrivateFolder();
    await using program = await startProgram({ 'main.js': HEART });
    const error = await rejectsWith(CODES.installFailed, openTarget(program.pid, { agentSource: '(((' }));
    assert.match(String(error.data['reason']), /SyntaxError/);
    await isUntouched(program);
  });
});
