import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PatchReport, PatchRequest } from '../../extension/session/report.ts';
import { Session } from '../../extension/session/session.ts';
import { root } from './doors.ts';
import type { Program } from './program.ts';

/** The agent as it is shipped. */
export function agentSource(): string {
  return readFileSync(join(root, 'dist', 'agent.js'), 'utf8');
}

/** A session with a program that lets go of it at the end of the block. */
export interface Attached extends AsyncDisposable {
  readonly session: Session;
  /** Writes the edited text beside the program and patches it. */
  edit(file: string, text: string, request?: Partial<PatchRequest>): Promise<PatchReport>;
  /** Resolves once the ledger is as wanted; rejects with what it is if the process ends first. */
  until(wanted: (patches: Session['patches']) => boolean): Promise<void>;
}

export async function attach(program: Program): Promise<Attached> {
  const session = await Session.attach(program.pid, { agentSource: agentSource() });
  return {
    session,
    edit: (file, text, request = {}) =>
      session.patch({ file: program.path(file), text, waitMs: 0, ...request }),
    until: (wanted) =>
      new Promise((done, fail) => {
        const stops: (() => void)[] = [];
        const settle = (act: () => void) => {
          for (const stop of stops) stop();
          act();
        };
        stops.push(session.onDidChange((patches) => wanted(patches) && settle(done)));
        stops.push(session.onDidEnd(() => settle(() => fail(new Error(JSON.stringify(session.patches))))));
        if (wanted(session.patches)) settle(done);
      }),
    async [Symbol.asyncDispose]() {
      session.close();
    },
  };
}
