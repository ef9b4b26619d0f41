/**
 * The contract between the agent (inside the user's process) and its clients. Types and constants; imports nothing.
 *
 * Framing on the pipe: one JSON object per line, UTF-8. A client's first line is a `hello` request with the token;
 * anything else first, or a wrong token, gets one error line and the connection is closed.
 */

/** Raised whenever a request, an answer or an event changes shape. Client and agent must agree exactly. */
export const PROTOCOL_VERSION = 1;

/** Where the agent keeps itself in the target: `globalThis[Symbol.for(AGENT_KEY)]`, not enumerable. */
export const AGENT_KEY = 'hotpatch.agent';

/** How long a patch waits for its functions to be called before the agent stops listening, in ms. */
export const PENDING_LIMIT_MS = 300_000;

/** How long after a binding calls of the replaced function are looked for, in ms: the debugger is on meanwhile. */
export const STALE_WATCH_MS = 10_000;

/** The longest line either side accepts, in UTF-16 code units. */
export const MAX_FRAME = 64 * 1024 * 1024;

// ---- words ----------------------------------------------------------------------------------------------------------

/** One way of replacing a function inside a target. */
export type EngineName = 'scope-binding' | 'live-edit';

/** A half-open range of UTF-16 code units in a text. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * What came of one function of a patch. `code` is from the catalogue (extension/patch/catalogue.ts), `data` fills its
 * words. `applied` means the agent has proof, see ARCHITECTURE.md, invariant 1.
 */
export type Outcome =
  | { readonly status: 'applied' }
  | { readonly status: 'pending'; readonly code: string; readonly data?: Details }
  | { readonly status: 'refused'; readonly code: string; readonly data?: Details }
  | { readonly status: 'stale'; readonly code: string; readonly data?: Details };

/** Facts that fill the words of a code: names, lines, numbers. Never source text, tokens or environment. */
export type Details = Readonly<Record<string, string | number | boolean | readonly string[]>>;

// ---- a patch as the planner hands it over -----------------------------------------------------------------------------

/** A point where a conditional breakpoint opens a door to a scope: the body of a function, in the baseline text. */
export interface DoorSite {
  /** Offset of the function's body in the baseline text of the script. */
  readonly offset: number;
}

/** Where scope binding writes the new function. All expressions are evaluated through a door of the script. */
export type Binding =
  /** `name = value` where a live closure captures the name (`reachable`), and CommonJS exports under these keys. */
  | {
      readonly kind: 'declaration';
      readonly name: string;
      readonly reachable: boolean;
      readonly exported: readonly string[];
    }
  /**
   * A data property or accessor half with this key. The first of `holders` (`A.prototype`, `this`) that evaluates to
   * an object which has it, itself or up its prototypes, is written.
   */
  | {
      readonly kind: 'property';
      readonly holders: readonly string[];
      readonly key: string;
      readonly part: 'value' | 'get' | 'set';
    };

/** Everything the agent needs to replace one function of one script. Offsets refer to the script's baseline text. */
export interface Replacement {
  /** The user's name of it: `f`, `Class.method`, `Class.#method`, `outer.inner`. */
  readonly function: string;
  /** Absolute path of the user's source file, and the 1-based line of the function in it. */
  readonly file: string;
  readonly line: number;
  readonly url: string;
  readonly engine: EngineName;
  /** What is replaced in the baseline text, and by what. */
  readonly range: Range;
  readonly text: string;
  /** Where the function's body begins, from the start of `text`: a call of the new function is seen there. */
  readonly bodyOffset: number;
  /** The same from the start of the replaced range, in the baseline: a call of the old function is seen there. */
  readonly oldBodyOffset: number;
  /**
   * For scope binding: where the new function goes, and an expression for what makes it: a function that gets the
   * object `super` looks in and returns an object whose property of the binding's name or key is the new function.
   */
  readonly expression?: string;
  readonly binding?: Binding;
  readonly doors: readonly DoorSite[];
}

/** A patch: content-addressed, see extension/patch/identity.ts. */
export interface Patch {
  readonly id: string;
  readonly title: string;
  readonly replacements: readonly Replacement[];
  /** sha256 of each script's baseline text this patch was planned against, by URL. */
  readonly baselines: Readonly<Record<string, string>>;
  /** The user agreed to live edit where V8 may crash afterwards (Node 24 and later). */
  readonly allowLiveEdit: boolean;
}

// ---- what the ledger tells --------------------------------------------------------------------------------------------

export interface FunctionState {
  readonly function: string;
  readonly file: string;
  readonly line: number;
  readonly url: string;
  readonly engine: EngineName;
  readonly outcome: Outcome;
}

export interface PatchState {
  readonly id: string;
  readonly title: string;
  /** When it was loaded, ms since the epoch. */
  readonly loadedAt: number;
  readonly functions: readonly FunctionState[];
  /** Set when the last attempt to unload it did not succeed: it is still in force. */
  readonly unloadBlocked?: { readonly code: string; readonly data?: Details };
}

export interface LoadResult {
  readonly patch: PatchState;
  /** ms the target's event loop was held by the change. */
  readonly pauseMs: number;
}

export interface UnloadResult {
  readonly unloaded: readonly string[];
  /** Patches that could not be unloaded now; they stay listed and in force. */
  readonly blocked: readonly { readonly id: string; readonly code: string; readonly data?: Details }[];
  readonly pauseMs: number;
}

/** A script loaded in the target that is not Node's own. */
export interface ScriptInfo {
  readonly url: string;
  /** As V8 knows it; a data URL is cut to its first 64 characters, ask `script` for the whole of it. */
  readonly sourceMapUrl: string;
  readonly isModule: boolean;
  /** How many scripts are loaded under this URL. More than one: which of them runs is not known. */
  readonly copies: number;
}

/** What the planner has to know about the target. Probed, never guessed from a version where a probe exists. */
export interface TargetFacts {
  readonly node: string;
  readonly v8: string;
  /** `works`; `risky`: it works but the process may crash afterwards (measured on Node 24); `gone`: V8 refuses it. */
  readonly liveEdit: 'works' | 'risky' | 'gone';
  /** Bytes of live JavaScript heap: a live edit walks all of it. */
  readonly heapUsed: number;
}

/** One script in full. */
export interface ScriptSource {
  readonly url: string;
  /** The text it was loaded with, before any patch of ours. */
  readonly baseline: string;
  readonly sourceMapUrl: string;
  readonly isModule: boolean;
  /** Functions that loaded patches hold, and the engine that holds each. */
  readonly held: readonly { readonly function: string; readonly engine: EngineName; readonly range: Range }[];
}

/** A loaded script, other than the patched one, whose text mentions a name: it may hold a reference. */
export interface Mention {
  readonly url: string;
  readonly text: string;
}

// ---- requests ---------------------------------------------------------------------------------------------------------

/** Every request with what goes in and what comes out. */
export interface Requests {
  hello: { in: { token: string; protocol: number }; out: { pid: number; version: string; protocol: number } };
  facts: { in: Record<string, never>; out: TargetFacts };
  scripts: { in: Record<string, never>; out: readonly ScriptInfo[] };
  script: { in: { url: string }; out: ScriptSource };
  mentions: { in: { names: readonly string[]; except: string }; out: readonly Mention[] };
  load: { in: { patch: Patch; limitMs?: number }; out: LoadResult };
  unload: { in: { ids: readonly string[] | 'all' }; out: UnloadResult };
  list: { in: Record<string, never>; out: readonly PatchState[] };
  /** From now on this connection gets a `changed` event whenever the ledger changes. */
  subscribe: { in: Record<string, never>; out: readonly PatchState[] };
  /** Closes the process's inspector; sent only by the client that opened it. */
  closeInspector: { in: Record<string, never>; out: Record<string, never> };
}

export type Method = keyof Requests;

export interface RequestFrame<M extends Method = Method> {
  readonly id: number;
  readonly method: M;
  readonly params: Requests[M]['in'];
}

export type AnswerFrame =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: { readonly code: string; readonly data?: Details } };

export interface EventFrame {
  readonly event: 'changed';
  readonly patches: readonly PatchState[];
}

/** What `install` in the target is told, and what it answers through `Runtime.evaluate`. */
export interface InstallOptions {
  /** Path of the Unix socket or named pipe that the agent shall open, mode 0600. */
  readonly pipe: string;
  readonly token: string;
  /** Where the agent writes its descriptor (mode 0600) once the pipe is open. Its folder exists, mode 0700. */
  readonly descriptor: string;
  /** The start time that the client saw, kept in the descriptor: a reused pid has another. */
  readonly startTime: string;
  /** We opened the inspector: the agent closes it again by itself if no client asks for it within this many ms. */
  readonly closeInspectorAfterMs: number | null;
}

export type InstallResult =
  | { readonly installed: true; readonly version: string; readonly pid: number }
  | { readonly installed: false; readonly code: string; readonly data: Details };

/** The descriptor file of a target: how a later client of the same user finds the agent. */
export interface Descriptor {
  readonly pid: number;
  readonly startTime: string;
  readonly pipe: string;
  readonly token: string;
  readonly version: string;
  readonly protocol: number;
}

// ---- codes ------------------------------------------------------------------------------------------------------------

/** Every code either side may answer with. The words for each are in extension/patch/catalogue.ts. */
export const CODES = {
  // HP1xxx: reaching a process
  noSuchProcess: 'HP1001',
  notNode: 'HP1002',
  otherUser: 'HP1003',
  portTaken: 'HP1004',
  inspectorClosed: 'HP1005',
  wrongProcess: 'HP1006',
  processEnded: 'HP1007',
  agentVersion: 'HP1008',
  wrongToken: 'HP1009',
  agentUnreachable: 'HP1010',
  processBusy: 'HP1011',
  unsafeFolder: 'HP1012',
  installFailed: 'HP1013',
  entryBusy: 'HP1014',
  nodeTooOld: 'HP1015',
  processStopped: 'HP1016',
  // HP2xxx: what the planner refuses
  noSuchFunction: 'HP2001',
  functionNotRunning: 'HP2002',
  nothingChanged: 'HP2003',
  nameUnreachable: 'HP2004',
  referenceTaken: 'HP2005',
  liveEditConsent: 'HP2006',
  liveEditGone: 'HP2007',
  shapeChanged: 'HP2008',
  liveEditUnsafe: 'HP2009',
  closureAlive: 'HP2010',
  unsupportedFunction: 'HP2011',
  otherCompiler: 'HP2012',
  overlapsPatch: 'HP2013',
  heldByOtherEngine: 'HP2014',
  capturesChanged: 'HP2015',
  ambiguousFunction: 'HP2016',
  outsideFunctions: 'HP2017',
  noDoor: 'HP2018',
  // HP3xxx: the edited file and the script made from it
  fileUnreadable: 'HP3001',
  syntaxError: 'HP3002',
  notLoaded: 'HP3003',
  loadedTwice: 'HP3004',
  notScript: 'HP3005',
  badConfig: 'HP3006',
  // HP4xxx: the ledger
  alreadyLoaded: 'HP4001',
  noSuchPatch: 'HP4002',
  waitingForCall: 'HP4003',
  waitingForProof: 'HP4004',
  neverCalled: 'HP4005',
  notEffective: 'HP4006',
  functionActive: 'HP4007',
  scriptGone: 'HP4008',
  baselineDiffers: 'HP4009',
  evaluationFailed: 'HP4010',
  changedElsewhere: 'HP4011',
  otherRefused: 'HP4012',
  ambiguousPatch: 'HP4013',
  covered: 'HP4014',
  oldCodeRan: 'HP4015',
  // HP9xxx: use and inner faults
  usage: 'HP9001',
  internal: 'HP9002',
  badRequest: 'HP9003',
} as const;

export type Code = (typeof CODES)[keyof typeof CODES];
