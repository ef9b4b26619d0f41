import { window, type Disposable, type LogOutputChannel } from 'vscode';
import { HotPatchError } from '../patch/error.ts';
import { logLine, stackFrames, type Facts } from './logLine.ts';

/** The output channel "Hot Patch". What may be written there is decided in logLine.ts. */
export class Log implements Disposable {
  readonly #channel: LogOutputChannel = window.createOutputChannel('Hot Patch', { log: true });

  info(action: string, facts: Facts = {}): void {
    this.#channel.info(logLine(action, facts));
  }

  warn(action: string, facts: Facts = {}): void {
    this.#channel.warn(logLine(action, facts));
  }

  /** An expected error with its code and facts; any other with its stack, but never with its message. */
  fault(action: string, error: unknown): void {
    if (error instanceof HotPatchError) {
      this.#channel.error(logLine(action, { code: error.code, ...error.data }));
    } else {
      const name = error instanceof Error ? error.name : typeof error;
      this.#channel.error([logLine(action, { name }), ...stackFrames(error)].join('\n'));
    }
  }

  show(): void {
    this.#channel.show(true);
  }

  dispose(): void {
    this.#channel.dispose();
  }
}
