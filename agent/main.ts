import { fs, inspector } from './builtins.ts';
import { Capabilities } from './capabilities.ts';
import { Pipe, type Handlers } from './control/pipe.ts';
import { DebuggerSession } from './debuggerSession.ts';
import { Doors, Sentries, Visits, type Door } from './doors.ts';
import { LiveEdit } from './engines/liveEdit.ts';
import { ScopeBinding } from './engines/scopeBinding.ts';
import { later } from './guard.ts';
import { Ledger } from './ledger.ts';
import {
  AGENT_KEY,
  CODES,
  PROTOCOL_VERSION,
  type Descriptor,
  type InstallOptions,
  type InstallResult,
  type Requests,
} from './protocol.ts';
import { Scripts } from './scripts.ts';

/** Set by the build from package.json. */
declare const HOTPATCH_VERSION: string;

/** What the agent leaves in the target: conditions call `visited`, a second entry calls `open`. */
interface Installed {
  readonly version: string;
  readonly visited: (id: number, door: Door) => void;
  readonly open: (options: InstallOptions) => void;
}

/**
 * Puts the agent into this process, once. A second call of the same version opens a new pipe for the agent that is
 * there (its old one may have been swept from the temporary folder); another version is left alone and named.
 */
export function install(options: InstallOptions): InstallResult {
  try {
    const key = Symbol.for(AGENT_KEY);
    const here = (globalThis as Record<symbol, Installed | undefined>)[key];
    if (here && here.version !== HOTPATCH_VERSION) {
      return {
        installed: false,
        code: CODES.agentVersion,
        data: { found: here.version, ours: HOTPATCH_VERSION },
      };
    }
    const agent = here ?? create();
    agent.open(options);
    // Not enumerable: test runners look for leaked globals.
    if (!here) Object.defineProperty(globalThis, key, { value: agent, configurable: true });
    return { installed: true, version: HOTPATCH_VERSION, pid: process.pid };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { installed: false, code: CODES.installFailed, data: { reason } };
  }
}

function create(): Installed {
  const session = new DebuggerSession();
  const visits = new Visits();
  const sentries = new Sentries(session, visits);
  const doors = new Doors(session, sentries);
  const scripts = new Scripts(session);
  const capabilities = new Capabilities(session);
  const ledger = new Ledger({
    engines: {
      'scope-binding': new ScopeBinding(session, sentries, doors),
      'live-edit': new LiveEdit(session, capabilities, scripts, visits, doors),
    },
    scripts,
    doors,
    capabilities,
    changed: () => pipe?.publish(ledger.list()),
  });
  let pipe: Pipe | null = null;
  let stopClosing = () => {};

  const handlers: Handlers = {
    hello: (): Requests['hello']['out'] => ({
      pid: process.pid,
      version: HOTPATCH_VERSION,
      protocol: PROTOCOL_VERSION,
    }),
    facts: () => capabilities.facts(),
    scripts: () => scripts.list(),
    script: ({ url }: Requests['script']['in']): Requests['script']['out'] => {
      const { baseline, sourceMapUrl, isModule } = scripts.get(url);
      return { url, baseline, sourceMapUrl, isModule, held: ledger.held(url).map(heldOnly) };
    },
    mentions: ({ names, except }: Requests['mentions']['in']) => scripts.mentions(names, except),
    load: ({ patch, limitMs }: Requests['load']['in']) => ledger.load(patch, limitMs),
    unload: ({ ids }: Requests['unload']['in']) => ledger.unload(ids),
    list: () => ledger.list(),
    closeInspector: () => {
      stopClosing();
      // After the answer is on its way: closing waits for the inspector's thread.
      later(0, () => inspector.close());
      return {};
    },
  };

  return {
    version: HOTPATCH_VERSION,
    visited: (id, door) => {
      try {
        visits.visited(id, door);
      } catch {
        // Inside a call of the user's function.
      }
    },
    open: (options) => {
      pipe?.close();
      pipe = new Pipe(options.pipe, options.token, handlers);
      pipe.listen(() => describe(options));
      if (options.closeInspectorAfterMs !== null) {
        stopClosing();
        stopClosing = later(options.closeInspectorAfterMs, () => inspector.close());
      }
    },
  };
}

function heldOnly({ function: name, engine, range }: Requests['script']['out']['held'][number]) {
  return { function: name, engine, range };
}

/** Says where the agent is, for later clients of the same user. Written whole, then moved into its place. */
function describe(options: InstallOptions): void {
  const descriptor: Descriptor = {
    pid: process.pid,
    startTime: options.startTime,
    pipe: options.pipe,
    token: options.token,
    version: HOTPATCH_VERSION,
    protocol: PROTOCOL_VERSION,
  };
  const draft = `${options.descriptor}.new`;
  fs.writeFileSync(draft, JSON.stringify(descriptor), { mode: 0o600 });
  fs.renameSync(draft, options.descriptor);
}
