import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { allNodes } from '../support/nodes.ts';
import * as support from '../support/program.ts';

export type ProgramOptions = support.ProgramOptions;

/** A service, CommonJS or ESM, whose event loop can be asked whether it turns; `/busy` runs `globalThis.busy`. */
export const HEART = `
import('node:http').then(({ createServer }) => {
  const server = createServer((request, response) => {
    response.end('alive');
    if (request.url === '/busy') {
      console.log('busy');
      globalThis.busy();
      console.log('free');
    }
  });
  server.listen(0, '127.0.0.1', () => console.log('listening ' + server.address().port));
});
`;

export interface Program extends support.Program {
  /** Its event loop turns; throws when it does not within 5 s. */
  answers(): Promise<void>;
  /** Lets its `/busy` begin, and does not wait for the end. */
  becomeBusy(): Promise<void>;
  kill(): Promise<void>;
}

/** Starts a program that contains HEART; resolves when it serves. */
export async function startProgram(
  files: Record<string, string>,
  options: ProgramOptions = {},
): Promise<Program> {
  const program = await support.startProgram(files, options);
  try {
    await program.waitForOutput(/^listening \d+$/m);
  } catch (error) {
    await program[Symbol.asyncDispose]();
    throw error;
  }
  return Object.assign(Object.create(program) as support.Program, {
    answers: async () => {
      const response = await program.fetch('/', { signal: AbortSignal.timeout(5000) });
      await response.text();
    },
    becomeBusy: async () => {
      program.fetch('/busy').catch(() => {});
      await program.waitForOutput(/^busy$/m);
    },
    kill: async () => {
      process.kill(program.pid, 'SIGKILL');
      await program.exited;
    },
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  });
}

/** Waits for a condition; throws after `limitMs`. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  limitMs = 10_000,
): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited ${limitMs} ms for ${what}`);
    await delay(10);
  }
}

/** True when somebody listens on this port of 127.0.0.1 (Linux). */
export function isListening(port: number): boolean {
  const address = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`;
  return readFileSync('/proc/net/tcp', 'utf8').includes(address);
}

/** A fresh private folder for the time of a test, in HOTPATCH_DIR. */
export async function usePrivateFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const before = process.env['HOTPATCH_DIR'];
  const path = await mkdtemp(join(tmpdir(), 'hp-'));
  process.env['HOTPATCH_DIR'] = path;
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      if (before === undefined) delete process.env['HOTPATCH_DIR'];
      else process.env['HOTPATCH_DIR'] = before;
      await rm(path, { recursive: true, force: true });
    },
  };
}

export const nodes = allNodes();
