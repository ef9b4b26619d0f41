import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Session } from '../../extension/session/session.ts';
import { expectedOf, formatsOf, tellTruth } from './truth.ts';
import { startHost, type Host } from './truthProgram.ts';
import { shapes } from './truthShapes.ts';

const nodes = (process.env['HOTPATCH_TEST_NODES'] ?? process.execPath).split(':');
const agent = join(__dirname, '../../dist/agent.js');

for (const node of nodes) {
  for (const allowLiveEdit of [false, true]) {
    describe(`${node} ${allowLiveEdit ? 'with' : 'without'} consent`, () => {
      let host: Host;
      let session: Session;
      let last = 0;
      before(async () => {
        host = await startHost(node);
        session = await Session.attach(host.pid, { agentSource: await readFile(agent, 'utf8') });
      });
      afterEach(async () => {
        await session.unload('all');
        assert.deepEqual(await session.list(), []);
      });
      after(async () => {
        session?.close();
        await host?.[Symbol.asyncDispose]();
      });
      for (const shape of shapes) {
        for (const format of formatsOf(shape)) {
          it(`${shape.name} (${format})`, async () => {
            const id = ++last;
            const { came, reports } = await tellTruth(host, session, shape, { format, id, allowLiveEdit });
            assert.equal(came, expectedOf(shape, format), reports.map((r) => r.reason).join('\n'));
          });
        }
      }
    });
  }
}
