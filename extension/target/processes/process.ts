/** A TCP address of this machine, `host` as an IP address. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** A running Node process of this user, as a picker shows it and as entry needs it. */
export interface NodeProcess {
  readonly pid: number;
  /** The command line, its arguments joined by blanks. */
  readonly command: string;
  /** The program that Node runs, as written on the command line; null for a REPL or `-e`, or when it cannot be told. */
  readonly script: string | null;
  readonly cwd: string | null;
  /** Such as `20.20.2`; null when it could not be learned from outside. */
  readonly node: string | null;
  /** Where its inspector listens (`127.0.0.1:9229`), null when it is closed. */
  readonly inspector: string | null;
  /** Where its inspector would open on request. Port 0: any free port, known only once it is open. */
  readonly inspectorWouldOpen: Endpoint;
  /** Our agent is in it and has left a descriptor. */
  readonly agent: boolean;
  /** Opaque; equal for the same process only, so that a reused pid is noticed. */
  readonly startTime: string;
  /** Name of the user it runs as. */
  readonly user: string;
}

/** What an operating system tells about one process, Node or not. */
export interface ProcessFacts {
  readonly pid: number;
  readonly args: readonly string[];
  /** Path of the executable, null when we may not see it. */
  readonly executable: string | null;
  readonly user: string;
  /** It runs as the same user as we do. */
  readonly ours: boolean;
  readonly startTime: string;
  readonly cwd: string | null;
  /** NODE_OPTIONS it was started with, where that can be seen. */
  readonly nodeOptions: string | null;
}

/** Who listens on a port; `pid` and `command` are null where only another user's process can be the answer. */
export interface PortHolder {
  readonly pid: number | null;
  readonly command: string | null;
}

/** Why asking for the inspector would be useless, or would end the process. */
export type Obstacle =
  /** Suspended (SIGSTOP, or a debugger of native code): the request would stay pending and be obeyed much later. */
  { readonly kind: 'stopped' } | { readonly kind: 'refuses'; readonly reason: string };

/** One operating system's way of answering questions about processes. Answers are snapshots; none of these throws for a pid that is gone. */
export interface ProcessSource {
  /** Every Node process of this user but our own, as they are found. */
  list(): AsyncIterable<ProcessFacts>;
  /** Null when there is no such process. */
  facts(pid: number): Promise<ProcessFacts | null>;
  /** Null when there is no such process (a zombie is none). */
  startTime(pid: number): Promise<string | null>;
  /** The TCP sockets that the process itself listens on. */
  listening(pid: number): Promise<readonly Endpoint[]>;
  /** Who would make a bind to this address fail; null when it is free. */
  holder(endpoint: Endpoint): Promise<PortHolder | null>;
  /** Asked right before `requestInspector`. */
  obstacle(facts: ProcessFacts): Promise<Obstacle | null>;
  /** What Node offers to open the inspector from outside: SIGUSR1, on Windows a remote thread. Throws when the pid is gone. */
  requestInspector(pid: number): void;
  /** True when the process waits in its event loop just now; null where that cannot be told. */
  idle(pid: number): Promise<boolean | null>;
  /** The version of this executable, null when unknown. */
  nodeVersion(facts: ProcessFacts): Promise<string | null>;
}

/** `127.0.0.1:9229` or `[::1]:9229`. */
export function formatEndpoint({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The reverse of `formatEndpoint`; throws on anything else. */
export function parseEndpoint(text: string): Endpoint {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:]+)):(\d+)$/i.exec(text);
  const host = match?.[1] ?? match?.[2];
  if (!match || host === undefined) throw new TypeError(`no endpoint: ${text}`);
  return { host, port: Number(match[3]) };
}

/** The address by which a client on this machine reaches a listening socket. */
export function loopbackOf({ host, port }: Endpoint): Endpoint {
  if (host === '0.0.0.0') return { host: '127.0.0.1', port };
  if (host === '::') return { host: '::1', port };
  return { host, port };
}

/** True when a socket listening on `held` makes a bind to `wanted` fail with EADDRINUSE. */
export function collides(held: Endpoint, wanted: Endpoint): boolean {
  if (held.port !== wanted.port) return false;
  const anyHost = (host: string): boolean => host === '0.0.0.0' || host === '::';
  return held.host === wanted.host || anyHost(held.host) || anyHost(wanted.host);
}
