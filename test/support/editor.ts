import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { root } from './doors.ts';
import { openWindow, type ServerOptions, startServer } from './vscodeServer.ts';

/** What the user opens. All paths are absolute. */
export type EditorOptions = Pick<ServerOptions, 'settings' | 'trust'> & {
  /** A folder, or a .code-workspace file. */
  readonly workspace: string;
} & (
    | {
        /** The extension under development: a folder with its package.json, built. */
        readonly extensionPath: string;
        readonly vsix?: never;
      }
    | {
        /** The packaged extension, which is installed as a user would. */
        readonly vsix: string;
        readonly extensionPath?: never;
      }
  );

/** A real VS Code, for a test that works with it as a user does. Disposing of it closes it. */
export interface Editor extends AsyncDisposable {
  /** Its window, 1280 by 800. Nothing is disabled in it: right-click, type, drag. */
  readonly page: Page;
  /**
   * Keeps a picture of the window.
   * @returns its path, `artefacts/<name>.png`
   */
  screenshot(name: string): Promise<string>;
  /** Ends the window, the server and all that was started in them. */
  close(): Promise<void>;
}

/**
 * Opens a fresh VS Code and waits until it is at rest: no welcome page, no chat, no question, no network.
 * Extensions are activated after that: wait for what they show.
 * @throws when this machine has no VS Code server (scripts/doors.mjs), or when it does not start
 */
export async function openEditor({ vsix, extensionPath, ...options }: EditorOptions): Promise<Editor> {
  const server = await startServer({
    ...options,
    ...(vsix === undefined ? { extensionPaths: [extensionPath] } : { vsixPaths: [vsix] }),
  });
  try {
    const page = await openWindow(server);
    await Promise.race([restored(page), server.broken]);
    let closed: Promise<void> | undefined;
    const close = () =>
      (closed ??= page
        .context()
        .close()
        .then(() => server[Symbol.asyncDispose]()));
    return {
      page,
      async screenshot(name) {
        const path = join(root, 'artefacts', `${name}.png`);
        await mkdir(join(root, 'artefacts'), { recursive: true });
        await page.screenshot({ path });
        return path;
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** VS Code marks its own start-up: here the workbench stands, and the menus and views of all extensions are in it. */
async function restored(page: Page): Promise<void> {
  const marks = ['code/LifecyclePhase/Restored', 'code/didLoadExtensions'];
  await page.waitForFunction(
    (names) => names.every((name) => performance.getEntriesByName(name).length > 0),
    marks,
  );
}
