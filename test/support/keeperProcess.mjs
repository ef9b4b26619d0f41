// A process of its own that outlives the one which started it, to end and remove what that one left behind.
// It is told on its standard input, one line each; the end of that input is the sign to start. A parent that is
// killed with SIGKILL closes the pipe as surely as one that ends well: no handler has to run in it.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [trace] = process.argv.slice(2);
const groups = new Set();
const folders = new Set();
const told = {
  hold: (pid) => groups.add(Number(pid)),
  release: (pid) => groups.delete(Number(pid)),
  remove: (folder) => folders.add(folder),
  removed: (folder) => folders.delete(folder),
};

for await (const line of createInterface({ input: process.stdin })) {
  const space = line.indexOf(' ');
  told[line.slice(0, space)](line.slice(space + 1));
}
for (const pid of groups) kill(process.platform === 'win32' ? pid : -pid);
// Again until a look finds none: one of them may have started another one meanwhile.
for (let pids = traced(); pids.length > 0; pids = traced()) pids.forEach(kill);
for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 10 });

/**
 * The processes with the trace in their environment or their command line. That finds all descendants: also those
 * which made a session of their own (a terminal, a program that is debugged), whose parent has gone, or which
 * overwrote their environment (those of Chromium, whose command line holds the profile). Empty without a /proc.
 */
function traced() {
  if (!trace || process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .filter(
      (pid) => read(`/proc/${pid}/environ`).includes(trace) || read(`/proc/${pid}/cmdline`).includes(trace),
    )
    .map(Number);
}

function read(file) {
  try {
    return readFileSync(file);
  } catch {
    return ''; // The process has ended, or belongs to somebody else.
  }
}

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended already.
  }
}
