// Edit-to-live: from the command to the first new response, and the longest gap between two responses meanwhile.
// Ours and raw Debugger.setScriptSource on the same program in the same run; the ratio is what can be trusted.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import CDP from 'chrome-remote-interface';
import { Session } from '../extension/session/session.ts';

const WARM_UPS = 3;
const EDITS = 40;
/** An edit that was answered and is not live after this many ms is counted as missed. */
const LIMIT_MS = 3000;

/** A CommonJS module of about 10 KB: the measured function among ninety others. */
function moduleText(version: number): string {
  const others = Array.from(
    { length: 90 },
    (_, i) =>
      `function helper${i}(value) {\n  const scaled = value * ${i} + state.served;\n  return scaled > ${i * 3} ? scaled : -scaled;\n}\n`,
  );
  return `'use strict';
const state = { served: 0 };
${others.join('')}
function answer() {
  state.served += 1;
  return { version: ${String(version).padStart(6, ' ')}, served: state.served, check: helper7(3) };
}
exports.serve = function serve() {
  return answer();
};
`;
}

const SERVER = `const { createServer } = require('node:http');
const app = require('./app.js');
const server = createServer((request, response) => response.end(JSON.stringify(app.serve())));
server.listen(0, '127.0.0.1', () => console.log('listening ' + server.address().port));
`;

interface Seen {
  readonly at: number;
  readonly version: number;
}

/** One request after the other on one connection, as fast as they are answered. */
class Load {
  readonly seen: Seen[] = [];
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  #stopped = false;
  #watch: { version: number; found: (at: number) => void } | null = null;

  constructor(port: number) {
    this.#port = port;
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      const version = await this.#ask();
      const at = performance.now();
      this.seen.push({ at, version });
      if (this.#watch && version === this.#watch.version) {
        this.#watch.found(at);
        this.#watch = null;
      }
    }
    this.#agent.destroy();
  }

  /** Resolves with the time of the first answer that has this version; null if none comes within the limit. */
  first(version: number): Promise<number | null> {
    return new Promise((done) => {
      const timer = setTimeout(() => {
        this.#watch = null;
        done(null);
      }, LIMIT_MS);
      const found = (at: number) => {
        clearTimeout(timer);
        done(at);
      };
      this.#watch = { version, found };
    });
  }

  stop(): void {
    this.#stopped = true;
  }

  #ask(): Promise<number> {
    return new Promise((done, fail) => {
      get({ host: '127.0.0.1', port: this.#port, agent: this.#agent }, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (body += chunk));
        response.on('end', () => done((JSON.parse(body) as { version: number }).version));
      }).on('error', fail);
    });
  }
}

interface Side {
  readonly name: string;
  readonly edit: (version: number) => Promise<unknown>;
  readonly finish: () => Promise<void> | void;
}

async function measure(
  folder: string,
  flags: readonly string[],
  makeSide: (child: ChildProcess, file: string, inspector: () => string) => Promise<Side>,
) {
  const file = join(folder, 'app.js');
  writeFileSync(file, moduleText(0));
  const child = spawn(process.execPath, [...flags, join(folder, 'server.js')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  ending.push(() => child.kill());
  const port = await new Promise<number>((found) => {
    child.stdout.on('data', (chunk: Buffer) => found(Number(/\d+/.exec(chunk.toString())?.[0])));
  });
  const load = new Load(port);
  const running = load.run();
  const side = await makeSide(child, file, () => /ws:\/\/\S+/.exec(errors)?.[0] ?? '');
  const live: number[] = [];
  const gaps: number[] = [];
  let missed = 0;
  for (let version = 1; version <= WARM_UPS + EDITS; version++) {
    writeFileSync(file, moduleText(version));
    const mark = load.seen.length;
    const first = load.first(version);
    const started = performance.now();
    await side.edit(version);
    const at = await first;
    if (at === null) missed++;
    if (version <= WARM_UPS || at === null) continue;
    live.push(at - started);
    const times = load.seen.slice(Math.max(0, mark - 1)).map((seen) => seen.at);
    gaps.push(Math.max(...times.slice(1).map((time, i) => time - times[i]!)));
  }
  await side.finish();
  load.stop();
  await running;
  child.kill();
  return { name: side.name, live, gaps, missed };
}

async function ours(child: ChildProcess, file: string): Promise<Side> {
  const agentSource = readFileSync(resolve(__dirname, '../dist/agent.js'), 'utf8');
  const session = await Session.attach(child.pid!, { agentSource });
  return {
    name: 'hot patch (scope binding)',
    edit: async () => {
      const report = await session.patch({ file, functions: ['answer'], waitMs: 10_000 });
      if (report.targets[0]?.status !== 'applied') throw new Error(JSON.stringify(report));
    },
    finish: async () => {
      await session.unload('all');
      session.close();
    },
  };
}

async function raw(_child: ChildProcess, file: string, inspector: () => string): Promise<Side> {
  const client = await CDP({ target: inspector(), local: true });
  const scripts: { scriptId: string; url: string }[] = [];
  client.Debugger.scriptParsed((script) => scripts.push(script));
  await client.Debugger.enable({});
  const { scriptId } = scripts.find(({ url }) => url.endsWith('/app.js'))!;
  return {
    name: 'raw setScriptSource',
    edit: () => client.Debugger.setScriptSource({ scriptId, scriptSource: readFileSync(file, 'utf8') }),
    finish: () => client.close(),
  };
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!;
}

function row({
  name,
  live,
  gaps,
  missed,
}: {
  name: string;
  live: readonly number[];
  gaps: readonly number[];
  missed: number;
}): string {
  const cell = (value: number) => value.toFixed(1).padStart(8);
  const cells = [quantile(live, 0.5), quantile(live, 0.95), quantile(gaps, 0.5), quantile(gaps, 0.95)].map(
    cell,
  );
  const note = missed > 0 ? `   ${missed} edits never took effect` : '';
  return `${name.padEnd(28)}${cells.join('')}${note}\n`;
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'hotpatch-bench-'));
  try {
    writeFileSync(join(folder, 'server.js'), SERVER);
    const size = moduleText(0).length;
    const us = await measure(folder, [], ours);
    const them =
      Number(process.versions.node.split('.')[0]) < 26
        ? await measure(folder, ['--inspect=127.0.0.1:0'], raw)
        : null;
    const out = (text: string) => process.stdout.write(text);
    out(
      `Node ${process.versions.node}, module of ${(size / 1024).toFixed(1)} KB, ${EDITS} edits, once attached; ms\n\n`,
    );
    out(`${''.padEnd(28)}    live p50 p95     gap p50 p95\n`);
    out(row(us));
    if (them) {
      out(row(them));
      const ratio = (q: number) => (quantile(them.live, q) / quantile(us.live, q)).toFixed(2);
      out(`\nraw / ours, edit-to-live: p50 ${ratio(0.5)}, p95 ${ratio(0.95)}\n`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Ends what was started, however it ends. */
const ending: (() => void)[] = [];
process.on('exit', () => {
  for (const end of ending) end();
});

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  },
);
