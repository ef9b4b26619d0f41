#!/usr/bin/env node
// Stands in for the executable of the desktop editor: takes its flags, and opens the VS Code server instead.
//   with --extensionTestsPath   runs the tests in it, prints their lines, and ends with their exit code
//   with --install-extension    installs, and that is all
//   with neither                prints the address of the window and serves it until Ctrl+C
// Flags that mean nothing to a server (--no-sandbox, --disable-gpu-sandbox ...) are passed over.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { tsImport } from 'tsx/esm/api';

const { openWindow, startServer } = await tsImport('../test/support/vscodeServer.ts', import.meta.url);

const { values, positionals } = parseArgs({
  strict: false,
  allowPositionals: true,
  options: {
    extensionDevelopmentPath: { type: 'string', multiple: true, default: [] },
    extensionTestsPath: { type: 'string' },
    'install-extension': { type: 'string', multiple: true, default: [] },
    'user-data-dir': { type: 'string' },
    'extensions-dir': { type: 'string' },
    'disable-workspace-trust': { type: 'boolean' },
  },
});
const absolute = (path) => path && resolve(path);

const options = {
  workspace: absolute(positionals[0]),
  extensionPaths: values.extensionDevelopmentPath.map(absolute),
  testsPath: absolute(values.extensionTestsPath),
  vsixPaths: values['install-extension'].map(absolute),
  userDataDir: absolute(values['user-data-dir']),
  extensionsDir: absolute(values['extensions-dir']),
  trust: values['disable-workspace-trust'] ? 'given' : 'withheld',
};

try {
  const server = await startServer(options);
  try {
    if (options.testsPath) process.exitCode = await runTests(server);
    else if (options.vsixPaths.length === 0) await serve(server);
  } finally {
    await server[Symbol.asyncDispose]();
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

async function runTests(server) {
  // The lines of test/editor/host/index.ts, apart from all that the window logs about itself.
  const mark = '[tests] ';
  const rest = [];
  const logged = (text) => {
    if (text.startsWith(mark)) console.log(text.slice(mark.length));
    else rest.push(text);
  };
  let ended;
  const result = new Promise((done) => (ended = done));
  const page = await openWindow(server, { logged, ended });
  const crashed = new Promise((_, fail) => page.on('crash', () => fail(new Error('The window crashed'))));
  try {
    const code = await Promise.race([result, crashed, server.broken]);
    if (code !== 0) console.error(`--- logged by the window\n${rest.join('\n')}`);
    return code;
  } finally {
    await page.context().close();
  }
}

async function serve(server) {
  console.log(server.url);
  const interrupted = new Promise((done) => process.once('SIGINT', done).once('SIGTERM', done));
  await Promise.race([interrupted, server.broken]);
}
