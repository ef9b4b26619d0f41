import { l10n, window } from 'vscode';
import type { UnloadResult } from '../../agent/protocol.ts';
import { explain } from '../patch/catalogue.ts';
import { HotPatchError } from '../patch/error.ts';
import { View } from './ids.ts';
import type { Log } from './log.ts';
import type { Reporter } from './report.ts';
import type { Row } from './rows.ts';
import type { Target, Targets } from './targets.ts';
import { joinNames } from './words.ts';

type Ids = readonly string[] | 'all';

/** Takes patches back. A patch that cannot be unloaded now stays in the list, and the user is told why. */
export class Unloader {
  readonly #targets: Targets;
  readonly #reporter: Reporter;
  readonly #log: Log;

  constructor(targets: Targets, reporter: Reporter, log: Log) {
    this.#targets = targets;
    this.#reporter = reporter;
    this.#log = log;
  }

  /** The patches that these rows stand for or belong to. */
  async unload(rows: readonly Row[]): Promise<void> {
    for (const target of this.#targets.all) {
      const own = rows.filter((row) => row.pid === target.pid);
      const ids = own.flatMap((row) => (row.kind === 'target' ? [] : [row.patchId]));
      if (ids.length > 0) await this.#unload(target, [...new Set(ids)]);
    }
  }

  /** Every patch of one process, or of all. */
  async unloadAll(row?: Row): Promise<void> {
    for (const target of this.#targets.all) {
      if (target.patches.length === 0) continue;
      if (!row || row.pid === target.pid) await this.#unload(target, 'all');
    }
  }

  async #unload(target: Target, ids: Ids): Promise<void> {
    try {
      const result = await window.withProgress({ location: { viewId: View.patches } }, () =>
        target.unload(ids),
      );
      const { unloaded, blocked } = result;
      this.#log.info('Unloaded', { pid: target.pid, patches: unloaded, count: unloaded.length });
      if (blocked.length > 0)
        void this.#explain(target, blocked).catch((error: unknown) => this.#reporter.fault(error));
      else this.#reporter.glance('check', l10n.t('Unloaded: the old code runs again'));
    } catch (error) {
      if (!(error instanceof HotPatchError)) throw error;
      this.#reporter.failed(error, null).catch((fault: unknown) => this.#reporter.fault(fault));
    }
  }

  async #explain(target: Target, blocked: UnloadResult['blocked']): Promise<void> {
    const first = blocked[0];
    if (!first) return;
    for (const { id, code } of blocked) this.#log.warn('Still loaded', { pid: target.pid, patch: id, code });
    const names = target.patches
      .filter((patch) => blocked.some(({ id }) => id === patch.id))
      .flatMap((patch) => patch.functions.map((one) => one.function));
    const { what, next } = explain(first.code, first.data);
    const message = l10n.t(
      '{0} could not be unloaded and stays in force. {1}',
      joinNames(names, (words, ...args) => l10n.t(words, ...args)),
      `${what} ${next} (${first.code})`,
    );
    const again = l10n.t('Try Again');
    if ((await window.showWarningMessage(message, again)) === again) {
      await this.#unload(
        target,
        blocked.map(({ id }) => id),
      );
    }
  }
}
