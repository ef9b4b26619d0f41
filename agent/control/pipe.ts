import type { Server, Socket } from 'node:net';
import { crypto, fs, net } from '../builtins.ts';
import { asFailure, AgentError, guarded, later } from '../guard.ts';
import {
  CODES,
  MAX_FRAME,
  type AnswerFrame,
  type EventFrame,
  type Method,
  type PatchState,
  type RequestFrame,
} from '../protocol.ts';

/** What the pipe asks of the agent: one function per request. */
export type Handlers = {
  readonly [M in Exclude<Method, 'hello' | 'subscribe'>]: (params: never) => unknown;
} & { readonly hello: () => unknown; readonly list: () => readonly PatchState[] };

/** How long a client may take to say hello, ms. */
const HELLO_LIMIT_MS = 5000;

/**
 * The agent's private door: a Unix socket (mode 0600, in a folder of mode 0700) or a Windows named pipe. Nothing but
 * a hello with the token is answered. It never keeps the process alive.
 */
export class Pipe {
  readonly #token: Buffer;
  readonly #handlers: Handlers;
  readonly #server: Server;
  readonly #subscribers = new Set<Socket>();
  readonly #path: string;

  constructor(path: string, token: string, handlers: Handlers) {
    this.#path = path;
    this.#token = Buffer.from(token);
    this.#handlers = handlers;
    this.#server = net.createServer(guarded((socket) => this.#accept(socket)));
    this.#server.on(
      'error',
      guarded(() => this.close()),
    );
    this.#server.unref();
  }

  /** Opens the pipe; `opened` runs once clients can connect. */
  listen(opened: () => void): void {
    const ready = guarded(() => {
      // The folder is 0700, so nobody could come in before this.
      if (process.platform !== 'win32') fs.chmodSync(this.#path, 0o600);
      opened();
    });
    // Exclusive: in a cluster child the primary would otherwise listen in its place and share the pipe.
    this.#server.listen({ path: this.#path, exclusive: true }, ready);
  }

  /** Tells every subscribed client what the ledger says now. */
  publish(patches: readonly PatchState[]): void {
    const frame: EventFrame = { event: 'changed', patches };
    for (const socket of this.#subscribers) send(socket, frame);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#subscribers) socket.destroy();
  }

  #accept(socket: Socket): void {
    socket.unref();
    socket.setEncoding('utf8');
    let welcome = false;
    // Pieces of a line that has not ended: joining at every chunk would be quadratic for a line of megabytes.
    let pieces: string[] = [];
    let held = 0;
    const stop = later(HELLO_LIMIT_MS, () => {
      if (!welcome) socket.destroy();
    });
    socket.on(
      'error',
      guarded(() => socket.destroy()),
    );
    socket.on(
      'close',
      guarded(() => {
        stop();
        this.#subscribers.delete(socket);
      }),
    );
    socket.on(
      'data',
      guarded((chunk: string) => {
        const lines = chunk.split('\n');
        for (const [index, part] of lines.entries()) {
          pieces.push(part);
          held += part.length;
          if (held > MAX_FRAME) return socket.destroy();
          if (index === lines.length - 1) return;
          const line = pieces.join('');
          pieces = [];
          held = 0;
          const frame = parse(line);
          if (!welcome) {
            welcome = this.#welcomes(frame);
            if (!welcome) return refuse(socket, frame);
          }
          if (frame) void this.#answer(socket, frame);
        }
      }),
    );
  }

  #welcomes(frame: RequestFrame | null): boolean {
    if (frame?.method !== 'hello') return false;
    const { token } = frame.params as { token?: unknown };
    if (typeof token !== 'string') return false;
    const given = Buffer.from(token);
    return given.length === this.#token.length && crypto.timingSafeEqual(given, this.#token);
  }

  async #answer(socket: Socket, { id, method, params }: RequestFrame): Promise<void> {
    try {
      if (method === 'subscribe') {
        this.#subscribers.add(socket);
        return send(socket, { id, result: this.#handlers.list() });
      }
      const handler = Object.hasOwn(this.#handlers, method) ? this.#handlers[method] : null;
      if (!handler) throw new AgentError(CODES.badRequest, { reason: `no request ${String(method)}` });
      send(socket, { id, result: await (handler as (params: unknown) => unknown)(params) });
    } catch (error) {
      send(socket, { id, error: asFailure(error) });
    }
  }
}

function parse(line: string): RequestFrame | null {
  try {
    const frame: unknown = JSON.parse(line);
    if (typeof frame !== 'object' || frame === null) return null;
    const { id, method, params } = frame as Partial<RequestFrame>;
    if (typeof id !== 'number' || typeof method !== 'string' || typeof params !== 'object') return null;
    return { id, method, params };
  } catch {
    return null;
  }
}

function refuse(socket: Socket, frame: RequestFrame | null): void {
  send(socket, { id: frame?.id ?? 0, error: { code: CODES.wrongToken } });
  socket.end();
}

function send(socket: Socket, frame: AnswerFrame | EventFrame): void {
  try {
    socket.write(`${JSON.stringify(frame)}\n`);
  } catch {
    socket.destroy();
  }
}
