import assert from 'node:assert/strict';
import { attach } from '../support/attached.ts';
import { allNodes } from '../support/nodes.ts';
import { startProgram } from '../support/program.ts';

/** The same service in both module systems: a declaration, a method that uses a private field, a const arrow. */
const body = `
let calls = 0;
const RATE = 2;
function price(x) {
  calls++;
  return x * RATE;
}
class Cart {
  #extra = 1;
  total(x) { return price(x) + this.#extra; }
}
const shown = (x) => {
  return 'shown ' + x;
};
const cart = new Cart();
const server = http.createServer((request, response) => {
  response.end(JSON.stringify({ pid: process.pid, price: price(10), total: cart.total(1), shown: shown(7), calls }));
});
server.listen(0, '127.0.0.1', () => console.log('listening ' + server.address().port));
`;
const kinds = {
  CommonJS: { file: 'main.cjs', text: `const http = require('node:http');${body}` },
  'ES module': { file: 'main.mjs', text: `import http from 'node:http';${body}` },
};

interface Answer {
  pid: number;
  price: number;
  total: number;
  shown: string;
  calls: number;
}

for (const node of allNodes()) {
  for (const [kind, { file, text }] of Object.entries(kinds)) {
    describe(`on Node ${node.version}, ${kind}`, () => {
      it('replaces a declaration and a method while the process serves, keeps its state, and takes them back', async () => {
        await using program = await startProgram({ [file]: text }, { node });
        const ask = async () => (await (await program.fetch('/')).json()) as Answer;
        const before = await ask();
        assert.deepEqual([before.price, before.total], [20, 3]);

        await using attached = await attach(program);
        const edited = text
          .replace('return x * RATE;', 'return x * RATE * 100;')
          .replace('+ this.#extra', '+ this.#extra + 0.5');
        const report = await attached.edit(file, edited);
        assert.deepEqual(
          report.targets.map(({ function: name, engine, status }) => [name, engine, status]),
          [
            ['price', 'scope-binding', 'pending'],
            ['Cart.total', 'scope-binding', 'pending'],
          ],
        );
        // The method uses a private name, so only its own call opens the door; then both are bound in one turn.
        await ask();
        await attached.until(
          ([patch]) => patch?.functions.every(({ outcome }) => outcome.status === 'applied') ?? false,
        );
        const after = await ask();
        assert.deepEqual([after.price, after.total, after.pid], [2000, 201.5, program.pid]);
        assert.equal(after.calls, before.calls + 4, 'the state went on');

        const { unloaded, blocked } = await attached.session.unload([report.patchId!]);
        assert.deepEqual([unloaded, blocked], [[report.patchId], []]);
        const restored = await ask();
        assert.deepEqual([restored.price, restored.total, restored.calls], [20, 3, before.calls + 6]);
        assert.deepEqual(await attached.session.list(), []);
      });

      it('replaces a const arrow by live edit, with consent where it may crash, and proves it', async () => {
        await using program = await startProgram({ [file]: text }, { node });
        const ask = async () => (await (await program.fetch('/')).json()) as Answer;
        await ask();
        await using attached = await attach(program);
        const edited = text.replace("return 'shown ' + x;", "return 'patched ' + x;");
        if (node.major >= 24) {
          const refused = await attached.edit(file, edited);
          assert.deepEqual(
            refused.targets.map(({ status, code }) => [status, code]),
            [['refused', 'HP2006']],
          );
          assert.equal((await ask()).shown, 'shown 7');
        }
        const report = await attached.edit(file, edited, { allowLiveEdit: true });
        const [target] = report.targets;
        // In place at once; not called applied before a call was seen to run it.
        assert.deepEqual([target?.engine, target?.status, target?.code], ['live-edit', 'pending', 'HP4004']);
        assert.equal((await ask()).shown, 'patched 7');
        await attached.until(([patch]) => patch?.functions[0]?.outcome.status === 'applied');
        await attached.session.unload('all');
        assert.equal((await ask()).shown, 'shown 7');
      });
    });
  }
}
