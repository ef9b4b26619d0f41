import assert from 'node:assert/strict';
import { isNodeExecutable, nodeFlags, type NodeFlags } from '../../extension/target/processes/flags.ts';

function check(command: string, expected: Partial<NodeFlags>, nodeOptions: string | null = null): void {
  it(`${command}${nodeOptions === null ? '' : ` with ${nodeOptions}`}`, () => {
    const found = nodeFlags(command.split(' '), nodeOptions);
    for (const [key, value] of Object.entries(expected))
      assert.deepEqual(found[key as keyof NodeFlags], value, key);
  });
}

const at = (port: number, host = '127.0.0.1') => ({ host, port });

describe('the flags of a Node command line', () => {
  check('node app.js', { inspector: at(9229), opened: false, refuses: null, script: 'app.js' });
  check('node', { script: null });
  check('node --inspect app.js', { inspector: at(9229), opened: true });
  check('node --inspect=9300 app.js', { inspector: at(9300), opened: true });
  check('node --inspect=0 app.js', { inspector: at(0), opened: true });
  check('node --inspect-brk=0.0.0.0:9301 app.js', { inspector: at(9301, '0.0.0.0'), opened: true });
  check('node --inspect=localhost app.js', { inspector: at(9229) });
  check('node --inspect=[::1]:9302 app.js', { inspector: at(9302, '::1') });
  check('node --inspect-port=9303 app.js', { inspector: at(9303), opened: false });
  check('node --inspect-port 9304 app.js', { inspector: at(9304), script: 'app.js' });
  check('node --inspect-publish-uid=http app.js', { inspector: at(9229), opened: false });
  check('node -r ./hook.js --import x app.js --inspect=1', {
    inspector: at(9229),
    opened: false,
    script: 'app.js',
  });
  check('node -e 1 app.js', { script: null });
  check('node -- app.js --inspect', { script: 'app.js', opened: false });
  check('node --disable-sigusr1 app.js', { refuses: '--disable-sigusr1' });
  check('node --permission app.js', { refuses: '--permission' });
  check('node --permission --allow-inspector app.js', { refuses: null });
  check('node app.js', { inspector: at(9305), opened: true }, '--inspect=9305');
  check('node app.js', { inspector: at(9306), opened: false }, '--require "/a b/c.js" --inspect-port 9306');
  check('node --inspect=9308 app.js', { inspector: at(9308) }, '--inspect=9307');
  check('my-title', { inspector: at(9229), script: null, opened: false });
});

describe('the executable of Node', () => {
  for (const name of [
    '/usr/bin/node',
    '/usr/bin/nodejs',
    '/opt/node-22',
    '/opt/node22.3',
    '/x/node (deleted)',
    'C:\\x\\node.exe',
  ]) {
    it(`${name} is one`, () => assert.ok(isNodeExecutable(name)));
  }
  for (const name of ['/usr/bin/nodemon', '/usr/bin/bun', '/node/sleep', '/usr/share/code/code', '']) {
    it(`'${name}' is none`, () => assert.ok(!isNodeExecutable(name)));
  }
});
