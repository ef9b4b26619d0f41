import { get, type RequestOptions } from 'node:http';
import type CDP from 'chrome-remote-interface';
import type { Endpoint } from './processes/process.ts';

/** Nothing came within the limit: the event loop is busy, or the process stands in a debugger. */
export class InspectorTimeout extends Error {
  override readonly name = 'InspectorTimeout';
}

/** What listens there does not speak the inspector's protocol. */
export class NoInspector extends Error {
  override readonly name = 'NoInspector';
}

/** The connection ended: the process did, or somebody closed its inspector. */
export class InspectorLost extends Error {
  override readonly name = 'InspectorLost';
}

/** The expression threw in the target. */
export class EvaluationFailed extends Error {
  override readonly name = 'EvaluationFailed';
}

interface Limits {
  readonly limitMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** We only evaluate. Given this, the library does not read its description of the whole protocol (1.3 MB). */
const PROTOCOL = { version: { major: '1', minor: '3' }, domains: [] };

/** How long our own socket may take to close, in ms. */
const GOODBYE_MS = 500;

/** One inspector session of ours; it enables no domain, so it costs the target nothing and stops it nowhere. */
export class InspectorClient {
  readonly #client: CDP.Client;

  readonly #gone: Promise<void>;

  private constructor(client: CDP.Client) {
    this.#client = client;
    this.#gone = new Promise((resolve) => client.on('disconnect', () => resolve()));
    // A process that ends would wait for us ("Waiting for the debugger to disconnect...").
    client.on('NodeRuntime.waitingForDisconnect', () => void this.close());
    const notify = client.send as unknown as (method: string, params: object) => Promise<unknown>;
    notify.call(client, 'NodeRuntime.notifyWhenWaitingForDisconnect', { enabled: true }).catch(() => {});
  }

  /**
   * Connects to the main thread. Rejects with NoInspector when the port is silent for `limitMs` or speaks otherwise (an
   * inspector has a thread of its own and answers even when the program is busy), and with the reason of `signal`.
   */
  static async connect(endpoint: Endpoint, { limitMs, signal }: Limits): Promise<InspectorClient> {
    const target = await mainThreadUrl(endpoint, { limitMs, signal });
    const { default: connect } = await import('chrome-remote-interface');
    const connecting = connect({ target, local: true, protocol: PROTOCOL });
    let abandoned = false;
    void connecting.then(
      (client) => (abandoned ? new InspectorClient(client).close() : undefined),
      () => {},
    );
    try {
      return new InspectorClient(await limited(connecting, limitMs, signal));
    } catch (error) {
      abandoned = true; // it may still come
      signal?.throwIfAborted();
      throw new NoInspector(String(error), { cause: error });
    }
  }

  /**
   * The value (JSON) of an expression; a promise is awaited. `require` is in reach, as in a debugger's console.
   * Rejects with EvaluationFailed, InspectorTimeout, InspectorLost, or the reason of `signal`.
   */
  async evaluate(expression: string, { limitMs, signal }: Limits): Promise<unknown> {
    const asked = this.#client.send('Runtime.evaluate', {
      expression,
      includeCommandLineAPI: true,
      returnByValue: true,
      awaitPromise: true,
      silent: true,
    });
    const answer = asked.catch((error: unknown) => {
      throw new InspectorLost(String(error), { cause: error });
    });
    const { result, exceptionDetails } = await limited(answer, limitMs, signal);
    if (exceptionDetails !== undefined) {
      throw new EvaluationFailed(exceptionDetails.exception?.description ?? exceptionDetails.text);
    }
    return result.value as unknown;
  }

  /** Resolves when the target has ended the session, or after `limitMs`. */
  async ended(limitMs: number): Promise<void> {
    await limited(this.#gone, limitMs).catch(() => {});
  }

  /**
   * Ends the session, whatever the target does, without the closing handshake of WebSocket. Measured on Node 20, 22, 24
   * and 26: `inspector.close()` while a handshake is under way ends the process with SIGSEGV, in up to 6 of 100 tries;
   * it never did (0 of 4800) after connections that were just dropped.
   */
  async close(): Promise<void> {
    // The library offers only the handshake.
    (this.#client as unknown as { _ws: { terminate(): void } })._ws.terminate();
    await this.ended(GOODBYE_MS);
  }
}

/** The WebSocket of the one target in the list; workers are not in it (they are reached through NodeWorker). */
async function mainThreadUrl({ host, port }: Endpoint, { limitMs, signal }: Limits): Promise<string> {
  const limit = AbortSignal.timeout(limitMs);
  try {
    const text = await getText({
      host,
      port,
      path: '/json/list',
      agent: false,
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
    const targets = JSON.parse(text) as Partial<CDP.Target>[];
    const url = targets.find(({ type }) => type === 'node')?.webSocketDebuggerUrl;
    if (typeof url !== 'string') throw new Error('no Node target');
    return url;
  } catch (error) {
    signal?.throwIfAborted();
    throw new NoInspector(String(error), { cause: error });
  }
}

/** Longer than any target list, in UTF-16 code units: whatever listens there must not fill our memory. */
const LONGEST_LIST = 1_000_000;

function getText(options: RequestOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (text.length > LONGEST_LIST) request.destroy(new Error('too long'));
      });
      response.once('end', () => resolve(text)).once('error', reject);
    });
    request.once('error', reject);
  });
}

/** `promise`, but not for longer than `limitMs`, nor after `signal`. */
async function limited<T>(promise: Promise<T>, limitMs: number, signal?: AbortSignal): Promise<T> {
  signal?.throwIfAborted();
  promise.catch(() => {}); // it may fail after we have gone
  let timer: NodeJS.Timeout | undefined;
  let abort: (() => void) | undefined;
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new InspectorTimeout(`no answer in ${limitMs} ms`)), limitMs);
        abort = () => reject(signal!.reason as Error);
        signal?.addEventListener('abort', abort, { once: true });
      }),
    ]);
  } finally {
    clearTimeout(timer);
    if (abort) signal?.removeEventListener('abort', abort);
  }
}
