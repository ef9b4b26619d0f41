import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { attach } from '../support/attached.ts';
import { readDoor } from '../support/doors.ts';
import { allNodes } from '../support/nodes.ts';
import { startProgram, type Program } from '../support/program.ts';

/**
 * Node-RED: 30,000 lines none of us wrote, CommonJS, Express. Its own code is patched where it stands in node_modules
 * and the change is seen through its public HTTP interface. It needs Node 22.9 or later.
 */
const nodeRed = () => {
  const { folder, path } = readDoor<{ path: string }>('thirdParty');
  return join(folder, path);
};

async function startNodeRed(
  node: NonNullable<Parameters<typeof startProgram>[1]>['node'],
): Promise<Program & { ask: (path: string) => Promise<Response> }> {
  const port = await freePort();
  const settings = `module.exports = { uiPort: ${port}, uiHost: '127.0.0.1', userDir: __dirname, flowFile: 'flows.json', editorTheme: { tours: false, projects: { enabled: false } } };`;
  const program = await startProgram(
    {
      'main.js': `process.argv.push('--settings', __dirname + '/settings.js');\nrequire(${JSON.stringify(join(nodeRed(), 'red.js'))});`,
      'settings.js': settings,
    },
    { ...(node ? { node } : {}) },
  );
  await program.waitForOutput(/Started flows/, 60_000);
  return Object.assign(program, { ask: (path: string) => fetch(`http://127.0.0.1:${port}${path}`) });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((done) => server.once('listening', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

async function countLines(folder: string): Promise<number> {
  const files = (await readdir(folder, { recursive: true })).filter(
    (name) => name.endsWith('.js') && !/public|node_modules|locales/.test(name),
  );
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
  return texts.reduce((sum, text) => sum + text.split('\n').length, 0);
}

for (const node of allNodes().filter(({ major }) => major >= 22)) {
  describe(`Node-RED on Node ${node.version}`, () => {
    it('is patched through its own source and answers so over HTTP, then as before', async () => {
      await using program = await startNodeRed(node);
      const version = async () =>
        ((await (await program.ask('/settings')).json()) as { version: string }).version;
      const original = await version();
      await using attached = await attach(program);
      const file = join(dirname(nodeRed()), '@node-red', 'runtime', 'lib', 'api', 'settings.js');
      const source = await readFile(file, 'utf8');
      const text = source.replace(
        'version: runtime.settings.version',
        "version: 'patched ' + runtime.settings.version",
      );
      assert.notEqual(text, source);
      const { patchId, targets } = await attached.session.patch({ file, text, waitMs: 0 });
      assert.deepEqual(
        targets.map(({ function: name, engine, status }) => [name, engine, status]),
        [['getRuntimeSettings', 'scope-binding', 'pending']],
      );
      await version();
      await attached.until(([patch]) => patch?.functions[0]?.outcome.status === 'applied');
      assert.equal(await version(), `patched ${original}`);
      await attached.session.unload([patchId!]);
      assert.equal(await version(), original);
    });
  });
}

describe('Node-RED', () => {
  it('has 10,000 lines or more of its own', async () => {
    assert.ok((await countLines(join(dirname(nodeRed()), '@node-red'))) > 10_000);
  });

  it('has a route handler, which Express holds, patched by live edit', async () => {
    await using program = await startNodeRed(allNodes().find(({ major }) => major === 22));
    const header = async () => (await program.ask('/auth/login')).headers.get('x-patched');
    assert.equal(await header(), null);
    await using attached = await attach(program);
    const file = join(dirname(nodeRed()), '@node-red', 'editor-api', 'lib', 'auth', 'index.js');
    const source = await readFile(file, 'utf8');
    const text = source.replace(
      'async function login(req,res) {',
      "async function login(req,res) {\n    res.setHeader('x-patched', 'yes');",
    );
    const { targets } = await attached.session.patch({ file, text, waitMs: 0 });
    assert.deepEqual(
      [targets[0]?.function, targets[0]?.engine, targets[0]?.status],
      ['login', 'live-edit', 'pending'],
    );
    assert.equal(await header(), 'yes');
    await attached.until(([patch]) => patch?.functions[0]?.outcome.status === 'applied');
    await attached.session.unload('all');
    assert.equal(await header(), null);
  });
});
