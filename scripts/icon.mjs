// Renders scripts/icon.svg to media/icon.png, 128 by 128 (the Marketplace takes no SVG). Needs a Chromium:
//   node scripts/icon.mjs [path of the browser]
import CDP from 'chrome-remote-interface';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const svg = await readFile(new URL('icon.svg', import.meta.url), 'utf8');
const profile = await mkdtemp(join(tmpdir(), 'hotpatch-icon-'));
const browser = spawn(
  process.argv[2] ?? 'chromium',
  [
    ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
    ...['--disable-background-networking', '--disable-component-update', '--remote-debugging-port=0'],
    `--user-data-dir=${profile}`,
    'about:blank',
  ],
  { stdio: ['ignore', 'ignore', 'pipe'] },
);
const ended = once(browser, 'exit');
try {
  const client = await CDP({ port: await debuggingPort(browser.stderr), local: true });
  // Not --screenshot: it is as large as the window but shows less of the page than that.
  const page = `<!doctype html><style>body{margin:0}svg{display:block}</style>${svg}`;
  await client.Page.enable();
  await client.Emulation.setDefaultBackgroundColorOverride({ color: { r: 0, g: 0, b: 0, a: 0 } });
  await Promise.all([
    client.Page.loadEventFired(),
    client.Page.navigate({ url: `data:text/html;base64,${Buffer.from(page).toString('base64')}` }),
  ]);
  const clip = { x: 0, y: 0, width: 128, height: 128, scale: 1 };
  const { data } = await client.Page.captureScreenshot({ format: 'png', clip, captureBeyondViewport: true });
  await writeFile(new URL('../media/icon.png', import.meta.url), Buffer.from(data, 'base64'));
  await client.close();
} finally {
  browser.kill();
  await ended;
  await rm(profile, { recursive: true, force: true });
}

/** The port that the browser chose, from what it says on start. */
async function debuggingPort(stderr) {
  for await (const line of createInterface({ input: stderr })) {
    const found = /ws:\/\/[^:]+:(\d+)\//.exec(line);
    if (found) return Number(found[1]);
  }
  throw new Error('The browser ended without opening its debugging port.');
}
