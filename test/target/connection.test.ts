import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { CODES, PROTOCOL_VERSION, type Descriptor, type RequestFrame } from '../../agent/protocol.ts';
import { AgentConnection } from '../../extension/target/connection.ts';
import { pipePath } from '../../extension/target/folder.ts';
import { processSource } from '../../extension/target/processes/find.ts';
import { rejectsWith } from './codes.ts';
import { until, usePrivateFolder } from './program.ts';

type Answer = (socket: Socket, frame: RequestFrame) => void;

const say = (socket: Socket, frame: unknown): boolean => socket.write(`${JSON.stringify(frame)}\n`);
const hello = { pid: process.pid, version: '1', protocol: PROTOCOL_VERSION };

/** An agent of this very process: greets, and leaves the rest to `answer`. */
async function startAgent(
  answer: Answer,
  greet: Answer = (socket, { id }) => say(socket, { id, result: hello }),
) {
  const folder = await usePrivateFolder();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let text = '';
    socket.on('error', () => {}).setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      for (let end; (end = text.indexOf('\n')) >= 0; text = text.slice(end + 1)) {
        const frame = JSON.parse(text.slice(0, end)) as RequestFrame;
        (frame.method === 'hello' ? greet : answer)(socket, frame);
      }
    }); // prettier-ignore
  });
  const pipe = pipePath(folder.path, process.pid);
  await once(server.listen(pipe), 'listening');
  const descriptor: Descriptor = {
    pid: process.pid,
    startTime: (await processSource().startTime(process.pid))!,
    pipe,
    token: 'secret',
    version: '1',
    protocol: PROTOCOL_VERSION,
  };
  return {
    descriptor,
    sockets,
    drop: () => sockets.forEach((socket) => socket.destroy()),
    [Symbol.asyncDispose]: async () => {
      sockets.forEach((socket) => socket.destroy());
      server.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

const silent: Answer = () => {};

describe('the line to the agent', () => {
  it('says hello with the token before anything else', async () => {
    const seen: RequestFrame[] = [];
    await using agent = await startAgent(
      (socket, frame) => void (seen.push(frame), say(socket, { id: frame.id, result: [] })),
      (socket, frame) => void (seen.push(frame), say(socket, { id: frame.id, result: hello })),
    );
    const connection = await AgentConnection.open(agent.descriptor);
    assert.deepEqual(await connection.request('list', {}), []);
    connection.close();
    assert.deepEqual(seen.map(({ method, params }) => [method, params]), [
      ['hello', { token: 'secret', protocol: PROTOCOL_VERSION }], ['list', {}],
    ]); // prettier-ignore
  });

  it('answers each request with its own answer, in any order', async () => {
    const waiting: RequestFrame[] = [];
    await using agent = await startAgent((socket, frame) => {
      waiting.push(frame);
      if (waiting.length === 3)
        for (const { id } of waiting.reverse()) say(socket, { id, result: [`${id}`] });
    });
    const connection = await AgentConnection.open(agent.descriptor);
    const answers = await Promise.all([1, 2, 3].map(() => connection.request('list', {})));
    assert.deepEqual(answers, [['2'], ['3'], ['4']]);
    connection.close();
  });

  it('keeps characters whole that arrive in pieces, and lines that arrive together', async () => {
    const text = 'naïve 日本語 🙂 \u2028';
    await using agent = await startAgent((socket, { id }) => {
      const bytes = Buffer.from(
        `\n${JSON.stringify({ id, result: [text] })}\n${JSON.stringify({ event: 'changed', patches: [text] })}\n`,
      );
      const next = (at: number): void => {
        if (at < bytes.length) socket.write(bytes.subarray(at, at + 1), () => setImmediate(next, at + 1));
      };
      next(0);
    });
    const connection = await AgentConnection.open(agent.descriptor);
    const events: unknown[] = [];
    const stop = connection.onChanged((patches) => void events.push(patches));
    assert.deepEqual(await connection.request('list', {}), [text]);
    await until('the event', () => events.length === 1);
    assert.deepEqual(events, [[text]]);
    stop();
    await connection.request('list', {});
    connection.close();
    assert.equal(events.length, 1);
  });

  it('takes a line of many megabytes in a moment', async function () {
    this.timeout(10_000);
    const text = 'x'.repeat(30_000_000);
    await using agent = await startAgent((socket, { id }) => void say(socket, { id, result: text }));
    const connection = await AgentConnection.open(agent.descriptor);
    assert.equal(((await connection.request('list', {})) as unknown as string).length, text.length);
    connection.close();
  });

  it("gives the agent's refusals as they are", async () => {
    await using agent = await startAgent(
      (socket, { id }) =>
        void say(socket, { id, error: { code: CODES.noSuchPatch, data: { id: 'abc', available: [] } } }),
    );
    const connection = await AgentConnection.open(agent.descriptor);
    const error = await rejectsWith(CODES.noSuchPatch, connection.request('unload', { ids: ['abc'] }));
    assert.deepEqual(error.data['available'], []);
    connection.close();
  });

  it('refuses an agent of another protocol, in its descriptor or in its greeting', async () => {
    await using agent = await startAgent(
      silent,
      (socket, { id }) => void say(socket, { id, result: { ...hello, protocol: 99 } }),
    );
    const error = await rejectsWith(CODES.agentVersion, AgentConnection.open(agent.descriptor));
    assert.equal(error.data['pid'], process.pid);
    await rejectsWith(CODES.agentVersion, AgentConnection.open({ ...agent.descriptor, protocol: 99 }));
  });

  it('says so when the token is wrong', async () => {
    await using agent = await startAgent(silent, (socket, { id }) => {
      say(socket, { id, error: { code: CODES.wrongToken } });
      socket.end();
    });
    await rejectsWith(CODES.wrongToken, AgentConnection.open(agent.descriptor));
  });

  it('says so when nobody is behind the pipe', async () => {
    await using agent = await startAgent(silent);
    await rejectsWith(
      CODES.agentUnreachable,
      AgentConnection.open({ ...agent.descriptor, pipe: `${agent.descriptor.pipe}x` }),
    );
  });

  it('says so when no greeting comes', async () => {
    await using agent = await startAgent(silent, silent);
    await rejectsWith(CODES.processBusy, AgentConnection.open(agent.descriptor, { helloLimitMs: 50 }));
  });

  it('stops greeting when told to', async () => {
    const stop = new AbortController();
    const reason = new Error('enough');
    await using agent = await startAgent(silent, () => stop.abort(reason));
    await assert.rejects(AgentConnection.open(agent.descriptor, { signal: stop.signal }), reason);
  });

  it('rejects what is pending, and tells the listener once, when the agent goes', async () => {
    await using agent = await startAgent(() => agent.drop());
    const connection = await AgentConnection.open(agent.descriptor);
    const ends: string[] = [];
    connection.onEnd((error) => void ends.push(error.code));
    await rejectsWith(CODES.agentUnreachable, connection.request('list', {}));
    await rejectsWith(CODES.agentUnreachable, connection.request('list', {}));
    await until('the end', () => ends.length === 1);
    connection.onEnd((error) => void ends.push(error.code));
    await until('the end told late', () => ends.length === 2);
    assert.deepEqual(ends, [CODES.agentUnreachable, CODES.agentUnreachable]);
  });

  it('tells no end that we made', async () => {
    await using agent = await startAgent(silent);
    const connection = await AgentConnection.open(agent.descriptor);
    connection.onEnd(() => assert.fail('told'));
    const pending = rejectsWith(CODES.agentUnreachable, connection.request('list', {}));
    connection.close();
    await pending;
    await rejectsWith(CODES.agentUnreachable, connection.request('list', {}));
  });

  it('ends on what is no frame', async () => {
    await using agent = await startAgent((socket) => void socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const connection = await AgentConnection.open(agent.descriptor);
    await rejectsWith(CODES.agentUnreachable, connection.request('list', {}));
  });

  it('knows a process that ended from an agent that went', async () => {
    await using agent = await startAgent(silent);
    const child = spawn('sleep', ['60']);
    await once(child, 'spawn');
    const startTime = (await processSource().startTime(child.pid!))!;
    await using other = await startAgent(
      silent,
      (socket, { id }) => void say(socket, { id, result: { ...hello, pid: child.pid } }),
    );
    const connection = await AgentConnection.open({ ...other.descriptor, pid: child.pid!, startTime });
    const pending = rejectsWith(CODES.processEnded, connection.request('list', {}));
    child.kill('SIGKILL');
    other.drop();
    await pending;
    void agent;
  });
});
