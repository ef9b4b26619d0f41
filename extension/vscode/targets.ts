import { readFile } from 'node:fs/promises';
import * as path from 'node:path';
import { EventEmitter, type Disposable, type Event } from 'vscode';
import type { PatchState } from '../../agent/protocol.ts';
import type { Session } from '../session/session.ts';
import type { Log } from './log.ts';
import { programName } from './words.ts';

/** What the editor uses of a session. */
export type Target = Pick<
  Session,
  'pid' | 'process' | 'patches' | 'onDidChange' | 'onDidEnd' | 'patch' | 'unload' | 'close'
>;

/** Enters a process. Rejects with HotPatchError, or as `signal` says. */
export type OpenTarget = (pid: number, signal: AbortSignal) => Promise<Target>;

/** The attached processes, in the order they were attached. */
export class Targets implements Disposable {
  readonly #open: OpenTarget;
  readonly #log: Log;
  readonly #attached = new Map<number, { target: Target; release: () => void }>();
  readonly #opening = new Map<number, Promise<Target>>();
  readonly #changed = new EventEmitter<void>();
  readonly #ended = new EventEmitter<Target>();
  #disposed = false;

  /** A process was attached or let go, or its patches changed. */
  readonly onDidChange: Event<void> = this.#changed.event;
  /** A process has ended, or the connection to it was lost. It is no longer listed. */
  readonly onDidEnd: Event<Target> = this.#ended.event;

  constructor(open: OpenTarget, log: Log) {
    this.#open = open;
    this.#log = log;
  }

  get all(): readonly Target[] {
    return [...this.#attached.values()].map(({ target }) => target);
  }

  /** How many patches are listed in all targets. */
  get patchCount(): number {
    return this.all.reduce((count, target) => count + target.patches.length, 0);
  }

  get(pid: number): Target | undefined {
    return this.#attached.get(pid)?.target;
  }

  patch(pid: number, id: string): PatchState | undefined {
    return this.get(pid)?.patches.find((patch) => patch.id === id);
  }

  /** Attaches to `pid`; asked twice, it does so once. Rejects with HotPatchError, or as `signal` says. */
  async attach(pid: number, signal: AbortSignal): Promise<Target> {
    const known = this.get(pid);
    if (known) return known;
    let opening = this.#opening.get(pid);
    if (!opening) {
      opening = this.#open(pid, signal)
        .then((target) => this.#add(target))
        .finally(() => this.#opening.delete(pid));
      this.#opening.set(pid, opening);
    }
    return opening;
  }

  /** Lets go of a process; it keeps running with its patches. */
  detach(pid: number): void {
    if (!this.#remove(pid)) return;
    this.#log.info('Detached', { pid });
    this.#changed.fire();
  }

  dispose(): void {
    this.#disposed = true;
    for (const { target } of [...this.#attached.values()]) this.#remove(target.pid);
    this.#changed.dispose();
    this.#ended.dispose();
  }

  #add(target: Target): Target {
    const { pid } = target;
    const stopChanges = target.onDidChange(() => this.#changed.fire());
    const stopEnd = target.onDidEnd(() => {
      if (!this.#remove(pid)) return;
      this.#log.info('Lost', { pid });
      this.#ended.fire(target);
      this.#changed.fire();
    });
    const release = () => {
      stopChanges();
      stopEnd();
      target.close();
    };
    // The window may have been closed while the process was being entered.
    if (this.#disposed) release();
    else {
      this.#attached.set(pid, { target, release });
      this.#log.info('Attached', { pid, patches: target.patches.length });
      this.#changed.fire();
    }
    return target;
  }

  #remove(pid: number): boolean {
    const entry = this.#attached.get(pid);
    if (!entry) return false;
    this.#attached.delete(pid);
    entry.release();
    return true;
  }
}

/** What a target is called everywhere: its program and arguments. */
export function targetName(target: Target): string {
  return programName(target.process.command, target.process.cwd);
}

/** Enters processes with the agent beside this bundle. Everything heavy is loaded by the first call, not by activation. */
export function openSession(): OpenTarget {
  return async (pid, signal) => {
    const [{ Session }, agentSource] = await Promise.all([
      import('../session/session.ts'),
      readFile(path.join(__dirname, 'agent.js'), 'utf8'),
    ]);
    return Session.attach(pid, { agentSource, signal });
  };
}
