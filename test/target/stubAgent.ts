import { PROTOCOL_VERSION } from '../../agent/protocol.ts';

/** How an agent may misbehave. */
export type StubKind =
  | 'good'
  /** It greets with another protocol. */
  | 'otherProtocol'
  /** It refuses to be installed beside an agent of another version. */
  | 'otherVersion'
  | 'rejectsToken'
  /** It accepts connections and never answers. */
  | 'hangs'
  | 'throws'
  /** It says it is installed and opens no pipe. */
  | 'noPipe'
  /** It ends the process while it is being installed, or when greeted. */
  | 'endsInInstall'
  | 'endsInHello'
  /** It is killed before it can do anything about the inspector. */
  | 'ignoresInspector';

/** The text of an agent that does no more than the contract asks for entry, in the form of dist/agent.js. */
export function stubAgent(kind: StubKind = 'good'): string {
  return `(function () {
"use strict";
const kind = ${JSON.stringify(kind)};
const builtin = (name) => process.getBuiltinModule ? process.getBuiltinModule(name) : require(name);
const net = builtin('node:net'), fs = builtin('node:fs'), inspector = builtin('node:inspector');
return {
  install(options) {
    if (kind === 'throws') throw new Error('the stub throws');
    if (kind === 'endsInInstall') process.kill(process.pid, 'SIGKILL');
    if (kind === 'otherVersion') return { installed: false, code: 'HP1008', data: { found: '0.0.1', ours: '0.1.0' } };
    globalThis.stubInstalls = (globalThis.stubInstalls ?? 0) + 1;
    if (kind !== 'noPipe') {
      net.createServer((socket) => {
        socket.unref();
        socket.on('error', () => {});
        let text = '';
        socket.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
          for (let end; (end = text.indexOf('\\n')) >= 0; text = text.slice(end + 1)) {
            const { id, method, params } = JSON.parse(text.slice(0, end));
            const answer = (frame) => socket.write(JSON.stringify({ id, ...frame }) + '\\n');
            if (kind === 'hangs') return;
            if (kind === 'endsInHello') process.kill(process.pid, 'SIGKILL');
            if (kind === 'rejectsToken' || (method === 'hello' && params.token !== options.token)) {
              answer({ error: { code: 'HP1009' } });
              return socket.end();
            }
            if (method === 'hello') {
              const protocol = kind === 'otherProtocol' ? 999 : ${PROTOCOL_VERSION};
              answer({ result: { pid: process.pid, version: 'stub', protocol } });
            } else if (method === 'closeInspector') {
              answer({ result: {} });
              if (kind !== 'ignoresInspector') setImmediate(() => inspector.close());
            } else answer({ result: [String(globalThis.stubInstalls)] });
          }
        });
      }).unref().listen(options.pipe);
      const descriptor = { pid: process.pid, startTime: options.startTime, pipe: options.pipe, token: options.token, version: 'stub', protocol: ${PROTOCOL_VERSION} };
      fs.writeFileSync(options.descriptor, JSON.stringify(descriptor), { mode: 0o600 });
    }
    if (options.closeInspectorAfterMs !== null && kind !== 'ignoresInspector') {
      setTimeout(() => inspector.close(), options.closeInspectorAfterMs).unref();
    }
    return { installed: true, version: 'stub', pid: process.pid };
  },
};
})()
//# sourceURL=hotpatch:agent
`;
}
