import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CODES } from '../../agent/protocol.ts';
import { acquireEntryLock } from '../../extension/target/entryLock.ts';
import { processSource } from '../../extension/target/processes/find.ts';
import { rejectsWith } from './codes.ts';
import { usePrivateFolder } from './program.ts';

describe('the entry lock', () => {
  it('is held by one at a time and given back', async () => {
    await using folder = await usePrivateFolder();
    const first = await acquireEntryLock(folder.path, 1);
    const error = await rejectsWith(CODES.entryBusy, acquireEntryLock(folder.path, 2, { limitMs: 50 }));
    assert.equal(error.data['owner'], process.pid);
    const waiting = acquireEntryLock(folder.path, 2);
    first.release();
    first.release();
    const second = await waiting;
    await rejectsWith(CODES.entryBusy, acquireEntryLock(folder.path, 3, { limitMs: 0 }));
    second.release();
    (await acquireEntryLock(folder.path, 3, { limitMs: 0 })).release();
  });

  it('stops waiting when told to', async () => {
    await using folder = await usePrivateFolder();
    const lock = await acquireEntryLock(folder.path, 1);
    const reason = new Error('enough');
    await assert.rejects(acquireEntryLock(folder.path, 1, { signal: AbortSignal.abort(reason) }), reason);
    const stop = new AbortController();
    const waiting = acquireEntryLock(folder.path, 1, { signal: stop.signal });
    stop.abort(reason);
    await assert.rejects(waiting);
    lock.release();
  });

  const startOfOurs = () => processSource().startTime(process.pid);
  const dead: Record<string, () => Promise<string>> = {
    'of a client that is gone': async () =>
      JSON.stringify({ owner: 4_194_304, ownerStart: 'then', target: 1, id: 'a' }),
    'of a client whose pid was given to another': async () =>
      JSON.stringify({ owner: process.pid, ownerStart: `${await startOfOurs()}0`, target: 1, id: 'a' }),
    'that nobody can read': async () => '{"owner":',
  };
  for (const [what, content] of Object.entries(dead)) {
    it(`${what} is taken over, by one only`, async () => {
      await using folder = await usePrivateFolder();
      await writeFile(join(folder.path, 'entry.lock'), await content());
      let holders = 0;
      await Promise.all(
        Array.from({ length: 8 }, async (_, at) => {
          const lock = await acquireEntryLock(folder.path, at);
          assert.equal(++holders, 1);
          await new Promise((resolve) => setTimeout(resolve, 5));
          holders--;
          lock.release();
        }),
      );
    });
  }

  it('is taken over by one of several processes', async function () {
    this.timeout(30_000);
    await using folder = await usePrivateFolder();
    await writeFile(
      join(folder.path, 'entry.lock'),
      JSON.stringify({ owner: 4_194_304, ownerStart: '', target: 1, id: 'a' }),
    );
    const log = join(folder.path, 'log');
    await appendFile(log, '');
    const client = `
      const { acquireEntryLock } = require(${JSON.stringify(require.resolve('../../extension/target/entryLock.ts'))});
      const { appendFileSync } = require('node:fs');
      (async () => {
        for (let turn = 0; turn < 20; turn++) {
          const lock = await acquireEntryLock(${JSON.stringify(folder.path)}, 1);
          appendFileSync(${JSON.stringify(log)}, '+');
          appendFileSync(${JSON.stringify(log)}, '-');
          lock.release();
        }
      })();`;
    const children = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ['--import', 'tsx', '-e', client], { stdio: ['ignore', 'ignore', 'inherit'] }),
    );
    for (const child of children) {
      if (child.exitCode === null) await once(child, 'exit');
      assert.equal(child.exitCode, 0);
    }
    assert.equal(await readFile(log, 'utf8'), '+-'.repeat(80));
  });
});
