import { connect, type Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import {
  CODES,
  MAX_FRAME,
  PROTOCOL_VERSION,
  type AnswerFrame,
  type Code,
  type Descriptor,
  type Details,
  type EventFrame,
  type Method,
  type PatchState,
  type RequestFrame,
  type Requests,
} from '../../agent/protocol.ts';
import { HotPatchError } from '../patch/error.ts';
import { hasEnded } from './processes/find.ts';

/** How long the agent may take to greet by default, in ms. */
const HELLO_LIMIT_MS = 5000;

/** How long after its sockets a process that is ending may go itself, in ms. */
const ENDING_MS = 200;

export interface OpenOptions {
  readonly signal?: AbortSignal | undefined;
  /** ms; 5000 when not said. */
  readonly helloLimitMs?: number | undefined;
}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A client's line to the agent in one process: JSON objects, one per line. It keeps our own process alive while it is
 * open; `close` it.
 */
export class AgentConnection {
  readonly pid: number;
  readonly #socket: Socket;
  readonly #startTime: string;
  readonly #pending = new Map<number, Pending>();
  readonly #changed = new Set<(patches: readonly PatchState[]) => void>();
  readonly #ended = new Set<(error: HotPatchError) => void>();
  readonly #decoder = new StringDecoder('utf8');
  /** Pieces of a line not ended yet; joined once, for a line may be 64 MB in thousands of pieces. */
  #pieces: string[] = [];
  #pieceLength = 0;
  #lastId = 0;
  #end: HotPatchError | null = null;
  #closedByUs = false;

  private constructor(descriptor: Descriptor, socket: Socket) {
    this.pid = descriptor.pid;
    this.#startTime = descriptor.startTime;
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', () => {}); // 'close' follows and tells what matters
    socket.on('close', () => void this.#finish());
  }

  /**
   * Connects through the pipe of a descriptor and says hello.
   * Throws agentUnreachable (nobody listens there), agentVersion, wrongToken, processBusy (connected, but no greeting
   * within the limit), processEnded, and the reason of `signal`.
   */
  static async open(
    descriptor: Descriptor,
    { signal, helloLimitMs = HELLO_LIMIT_MS }: OpenOptions = {},
  ): Promise<AgentConnection> {
    signal?.throwIfAborted();
    const { pid } = descriptor;
    if (descriptor.protocol !== PROTOCOL_VERSION)
      throw otherVersion(pid, descriptor.version, descriptor.protocol);
    const connection = new AgentConnection(descriptor, await connectPipe(descriptor));
    const deadline = setTimeout(() => {
      connection.#fail(new HotPatchError(CODES.processBusy, { pid, ms: helloLimitMs }));
    }, helloLimitMs);
    const abort = (): void => void connection.#socket.destroy();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      const hello = await connection.request('hello', {
        token: descriptor.token,
        protocol: PROTOCOL_VERSION,
      });
      signal?.throwIfAborted();
      if (hello.protocol !== PROTOCOL_VERSION) throw otherVersion(pid, hello.version, hello.protocol);
      if (hello.pid !== pid) throw new HotPatchError(CODES.agentUnreachable, { pid });
      return connection;
    } catch (error) {
      connection.close();
      signal?.throwIfAborted();
      throw error;
    } finally {
      clearTimeout(deadline);
      signal?.removeEventListener('abort', abort);
    }
  }

  /**
   * Asks the agent. There is no limit of time; the answer may wait for the program.
   * Rejects with the agent's code, or with processEnded or agentUnreachable when the connection ends first.
   */
  request<M extends Method>(method: M, params: Requests[M]['in']): Promise<Requests[M]['out']> {
    return new Promise((resolve, reject) => {
      if (this.#end !== null) return reject(this.#end);
      if (this.#closedByUs) return reject(new HotPatchError(CODES.agentUnreachable, { pid: this.pid }));
      const frame: RequestFrame<M> = { id: ++this.#lastId, method, params };
      const line = JSON.stringify(frame);
      if (line.length > MAX_FRAME) {
        return reject(
          new HotPatchError(CODES.badRequest, { reason: `${line.length} characters are too many` }),
        );
      }
      this.#pending.set(frame.id, { resolve: resolve as (result: unknown) => void, reject });
      this.#socket.write(`${line}\n`);
    });
  }

  /** Calls `listener` at every `changed` event; returns how to stop. Ask `subscribe` to get any. */
  onChanged(listener: (patches: readonly PatchState[]) => void): () => void {
    this.#changed.add(listener);
    return () => this.#changed.delete(listener);
  }

  /**
   * Calls `listener` once when the connection ends other than by `close`: processEnded or agentUnreachable. Calls it
   * soon when it has ended already. Returns how to stop.
   */
  onEnd(listener: (error: HotPatchError) => void): () => void {
    const end = this.#end;
    if (end !== null) {
      if (!this.#closedByUs) queueMicrotask(() => listener(end));
      return () => {};
    }
    this.#ended.add(listener);
    return () => this.#ended.delete(listener);
  }

  /** Ends the connection. Pending requests reject with agentUnreachable; the agent stays. */
  close(): void {
    this.#closedByUs = true;
    this.#ended.clear();
    this.#changed.clear();
    this.#socket.destroy();
    this.#rejectAll(new HotPatchError(CODES.agentUnreachable, { pid: this.pid }));
  }

  #receive(chunk: Buffer): void {
    const lines = this.#decoder.write(chunk).split('\n');
    for (let at = 0; at < lines.length; at++) {
      this.#pieces.push(lines[at]!);
      this.#pieceLength += lines[at]!.length;
      if (this.#pieceLength > MAX_FRAME)
        return this.#fail(new HotPatchError(CODES.agentUnreachable, { pid: this.pid }));
      if (at === lines.length - 1) return;
      const line = this.#pieces.join('');
      this.#pieces = [];
      this.#pieceLength = 0;
      if (line !== '') this.#dispatch(line);
    }
  }

  #dispatch(line: string): void {
    let frame: AnswerFrame | EventFrame;
    try {
      frame = JSON.parse(line) as AnswerFrame | EventFrame;
    } catch {
      return this.#fail(new HotPatchError(CODES.agentUnreachable, { pid: this.pid }));
    }
    if ('event' in frame) {
      if (frame.event === 'changed') for (const listener of [...this.#changed]) listener(frame.patches);
      return;
    }
    const pending = this.#pending.get(frame.id);
    this.#pending.delete(frame.id);
    if ('error' in frame) {
      // A line refused before its id was read, such as a bad hello, concerns whoever waits.
      const error = this.#agentError(frame.error.code, frame.error.data);
      if (pending === undefined) this.#rejectAll(error);
      else pending.reject(error);
    } else {
      pending?.resolve(frame.result);
    }
  }

  #agentError(code: string, data: Details = {}): HotPatchError {
    return new HotPatchError(code as Code, { pid: this.pid, ...data });
  }

  /** Ends the connection for a reason of our own. */
  #fail(error: HotPatchError): void {
    this.#end ??= error;
    this.#rejectAll(error);
    this.#socket.destroy();
  }

  async #finish(): Promise<void> {
    if (this.#end === null && !this.#closedByUs) {
      // A process that is ending closes its sockets a little before its pid is gone.
      const ended = await hasEnded(this.pid, this.#startTime, ENDING_MS);
      this.#end ??= new HotPatchError(ended ? CODES.processEnded : CODES.agentUnreachable, { pid: this.pid });
    }
    this.#end ??= new HotPatchError(CODES.agentUnreachable, { pid: this.pid });
    this.#rejectAll(this.#end);
    const listeners = [...this.#ended];
    this.#ended.clear();
    for (const listener of listeners) listener(this.#end);
  }

  #rejectAll(error: HotPatchError): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(error);
  }
}

function connectPipe({ pid, pipe, startTime }: Descriptor): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(pipe);
    socket.once('error', (error) => {
      void hasEnded(pid, startTime, 0).then((ended) => {
        reject(
          new HotPatchError(ended ? CODES.processEnded : CODES.agentUnreachable, { pid }, { cause: error }),
        );
      });
    });
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

function otherVersion(pid: number, version: string, protocol: number): HotPatchError {
  return new HotPatchError(CODES.agentVersion, {
    pid,
    found: `${version}, protocol ${protocol}`,
    ours: `protocol ${PROTOCOL_VERSION}`,
  });
}
