import assert from 'node:assert/strict';
import { Agent, get } from 'node:http';
import { attach } from '../support/attached.ts';
import { allNodes } from '../support/nodes.ts';
import { startProgram } from '../support/program.ts';

const service = `
const http = require('node:http');
let served = 0;
function answer() { served++; return { version: 0, served }; }
const server = http.createServer((request, response) => response.end(JSON.stringify(answer())));
server.listen(0, '127.0.0.1', () => console.log('listening ' + server.address().port));
`;

interface Answer {
  readonly version: number;
  readonly served: number;
}

/** Requests on four connections without pause, until told to stop. Any that fails rejects. */
function startLoad(port: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const answers: Answer[] = [];
  let going = true;
  const ask = () =>
    new Promise<Answer>((done, fail) => {
      get({ host: '127.0.0.1', port, agent }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () =>
          response.statusCode === 200 ? done(JSON.parse(text)) : fail(new Error(text)),
        );
      }).on('error', fail);
    });
  const worker = async () => {
    while (going) answers.push(await ask());
  };
  const workers = Promise.all(Array.from({ length: 4 }, worker));
  return {
    answers,
    stop: async () => {
      going = false;
      await workers;
      agent.destroy();
    },
  };
}

for (const node of allNodes()) {
  describe(`under load on Node ${node.version}`, () => {
    it('patches and unloads ten times; no request fails and the counter never goes back', async () => {
      await using program = await startProgram({ 'main.js': service }, { node });
      const [, port] = await program.waitForOutput(/^listening (\d+)$/m);
      await using attached = await attach(program);
      const load = startLoad(port!);
      for (let round = 1; round <= 10; round++) {
        const text = service.replace('version: 0', `version: ${round}`);
        const report = await attached.edit('main.js', text, { waitMs: 10_000 });
        assert.equal(report.targets[0]?.status, 'applied', JSON.stringify(report));
        assert.equal(((await (await program.fetch('/')).json()) as Answer).version, round);
        assert.deepEqual((await attached.session.unload([report.patchId!])).unloaded, [report.patchId]);
        assert.equal(((await (await program.fetch('/')).json()) as Answer).version, 0);
      }
      await load.stop();
      const versions = new Set(load.answers.map(({ version }) => version));
      assert.ok(load.answers.length > 100, `${load.answers.length} requests`);
      assert.ok(versions.has(0) && versions.size > 5, [...versions].join());
      const served = load.answers.map((answer) => answer.served);
      assert.equal(new Set(served).size, served.length, 'each request was counted once');
    });
  });
}
