import type { PatchState, UnloadResult } from '../../agent/protocol.ts';
import type { PatchReport, PatchRequest } from './report.ts';

export interface AttachOptions {
  /** The text of dist/agent.js. */
  readonly agentSource: string;
  readonly signal?: AbortSignal;
}

/**
 * One attached process and everything that can be done with it: the way from an edited text to the ledger, for every
 * surface (command line, editor). Rejections are HotPatchError.
 */
export class Session {
  readonly pid: number;
  /** The command line of the process. */
  readonly command: string;

  private constructor(pid: number, command: string) {
    this.pid = pid;
    this.command = command;
  }

  /** Enters process `pid` (or reconnects to our agent in it) and follows its ledger. */
  static attach(_pid: number, _options: AttachOptions): Promise<Session> {
    throw new Error('not built yet');
  }

  /** The ledger as last heard, oldest patch first. */
  get patches(): readonly PatchState[] {
    return [];
  }

  /** Calls `listener` after every change of the ledger; returns how to stop. */
  onDidChange(_listener: (patches: readonly PatchState[]) => void): () => void {
    throw new Error('not built yet');
  }

  /** Calls `listener` once when the process has ended or the connection is lost; returns how to stop. */
  onDidEnd(_listener: () => void): () => void {
    throw new Error('not built yet');
  }

  /** Compiles, plans and loads. A refusal is an answer, not a rejection; a syntax error or a lost process rejects. */
  patch(_request: PatchRequest): Promise<PatchReport> {
    throw new Error('not built yet');
  }

  /** The same up to the plan: what `patch` would do, with nothing changed. */
  dryRun(_request: PatchRequest): Promise<PatchReport> {
    throw new Error('not built yet');
  }

  unload(_ids: readonly string[] | 'all'): Promise<UnloadResult> {
    throw new Error('not built yet');
  }

  list(): Promise<readonly PatchState[]> {
    throw new Error('not built yet');
  }

  /** Lets go of the process; it keeps running with its patches. */
  close(): void {}
}
