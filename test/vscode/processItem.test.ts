import assert from 'node:assert/strict';
import type { NodeProcess } from '../../extension/target/processes/process.ts';
import { isProgram, newestFirst, processItem } from '../../extension/vscode/processItem.ts';
import { t } from './translate.ts';

const found: NodeProcess = {
  pid: 42,
  command: '/usr/bin/node --inspect /app/dist/server.js --port 3000',
  script: '/app/dist/server.js',
  cwd: '/app',
  node: '22.11.0',
  inspector: '127.0.0.1:9229',
  inspectorWouldOpen: { host: '127.0.0.1', port: 9229 },
  agent: false,
  startTime: 'boot-900',
  user: 'me',
};

describe('a process in the picker', () => {
  it('shows program, pid, Node, inspector and folder, and can be found by any argument', () => {
    assert.deepEqual(processItem(found, false, t), {
      pid: 42,
      label: 'dist/server.js --port 3000',
      description: 'pid 42 · Node 22.11.0 · inspector 127.0.0.1:9229',
      detail: '/app · /usr/bin/node --inspect /app/dist/server.js --port 3000',
    });
  });

  it('says that it holds the agent, or that it is attached', () => {
    const known = { ...found, node: null, inspector: null, cwd: null, agent: true };
    assert.equal(processItem(known, false, t).description, 'pid 42 · $(flame) holds the agent');
    assert.equal(processItem(known, true, t).description, 'pid 42 · $(check) attached');
    assert.match(processItem(known, true, t).detail, /^folder unknown · /);
  });

  it('comes before older ones, also where the times have another number of digits', () => {
    const starts = ['boot-99', 'boot-1000', 'boot-900'];
    const order = starts.map((startTime) => ({ ...found, startTime })).sort(newestFirst);
    assert.deepEqual(
      order.map(({ startTime }) => startTime),
      ['boot-1000', 'boot-900', 'boot-99'],
    );
  });

  it('is not one of the editor itself', () => {
    assert.equal(isProgram(found, '/opt/code'), true);
    assert.equal(isProgram({ ...found, command: 'node /opt/code/out/bootstrap-fork' }, '/opt/code'), false);
  });
});
