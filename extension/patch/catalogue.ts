import { CODES, type Code, type Details, type Outcome } from '../../agent/protocol.ts';

/** The words of one code: what happened, and what to do next. `{name}` is filled from the details. */
interface Entry {
  readonly what: string;
  readonly next: string;
}

/** The one catalogue of errors and refusals. Codes are stable; guards test codes, never words. */
const catalogue: Readonly<Record<Code, Entry>> = {
  [CODES.noSuchProcess]: {
    what: 'There is no process {pid}.',
    next: 'Run `hotpatch ps` to see the Node processes.',
  },
  [CODES.notNode]: {
    what: 'Process {pid} is not a Node process ({command}).',
    next: 'Run `hotpatch ps` to see the Node processes.',
  },
  [CODES.otherUser]: {
    what: 'Process {pid} belongs to another user ({user}).',
    next: 'Run the command as that user.',
  },
  [CODES.portTaken]: {
    what: 'Inspector port {port}, which process {pid} would open, is taken by {holder}.',
    next: 'End what holds the port or close its inspector, then try again. Nothing was changed.',
  },
  [CODES.inspectorClosed]: {
    what: 'Process {pid} does not open its inspector on request ({reason}).',
    next: 'Try again if it was busy. Else start it without --disable-sigusr1, with --inspect, or, under --permission, with --allow-inspector.',
  },
  [CODES.wrongProcess]: {
    what: 'The inspector at port {port} belongs to process {found}, not to {pid}.',
    next: 'End what holds the port or close its inspector, then try again. Nothing was changed.',
  },
  [CODES.processEnded]: {
    what: 'Process {pid} ended while it was being worked on.',
    next: 'Start it again and attach to it.',
  },
  [CODES.agentVersion]: {
    what: 'Process {pid} already holds an agent of another version ({found}; this is {ours}).',
    next: 'Use the version that put it in, or restart the process.',
  },
  [CODES.wrongToken]: {
    what: 'The agent did not accept the token.',
    next: 'Attach again; if it stays so, restart the process.',
  },
  [CODES.agentUnreachable]: { what: 'The agent in process {pid} does not answer.', next: 'Attach again.' },
  [CODES.processBusy]: {
    what: 'Process {pid} did not answer within {ms} ms: its event loop is busy or it is stopped.',
    next: 'Try again when it is idle, or continue it if it is paused in a debugger.',
  },
  [CODES.processStopped]: {
    what: 'Process {pid} is stopped.',
    next: 'Continue it (kill -CONT {pid}, or in its debugger), then try again.',
  },
  [CODES.unsafeFolder]: {
    what: 'The private folder {path} cannot be trusted ({reason}).',
    next: 'Remove it, or name another one with HOTPATCH_DIR.',
  },
  [CODES.installFailed]: {
    what: 'The agent could not be put into process {pid} ({reason}).',
    next: 'Report this with the output of `hotpatch ps`.',
  },
  [CODES.entryBusy]: {
    what: 'Another hotpatch client (pid {owner}) is entering a process just now.',
    next: 'Try again in a moment.',
  },
  [CODES.nodeTooOld]: {
    what: 'Process {pid} runs Node {found}; 20 is the oldest that works.',
    next: 'Use Node 20 or later.',
  },

  [CODES.noSuchFunction]: {
    what: 'There is no function {function} in {file}. There are: {available}.',
    next: 'Name one of these.',
  },
  [CODES.functionNotRunning]: {
    what: '{function} is not in the script that runs, so nothing there calls it.',
    next: 'Patch the function that calls it, or restart the process.',
  },
  [CODES.nothingChanged]: {
    what: 'No function of {file} differs from what runs.',
    next: 'Edit a function, save, and patch again.',
  },
  [CODES.nameUnreachable]: {
    what: 'The new code uses {name}, which the running scope cannot give.',
    next: 'Do without it in this function, or restart the process.',
  },
  [CODES.referenceTaken]: {
    what: 'A reference to {function} was taken at {where}; callers there would go on running the old code.',
    next: 'Patch with live edit (--allow-live-edit), or patch a function that {function} calls.',
  },
  [CODES.liveEditConsent]: {
    what: '{function} needs live edit ({why}), and on Node {node} some live edits crash the process afterwards.',
    next: 'Say --allow-live-edit (or the setting hotpatch.allowLiveEdit) if this process may be risked.',
  },
  [CODES.liveEditGone]: {
    what: '{function} needs live edit ({why}), which this Node ({node}) no longer has.',
    next: 'Patch a function declaration or method around it, or restart the process.',
  },
  [CODES.shapeChanged]: {
    what: '{function} changed its kind ({change}).',
    next: 'Keep the kind, or restart the process.',
  },
  [CODES.liveEditUnsafe]: {
    what: 'Live edit of {function} is not safe here: {reason}.',
    next: 'Make the edit smaller, or restart the process.',
  },
  [CODES.closureAlive]: {
    what: 'The edit is inside a closure of {function} (line {closureLine}) that may already be alive and would go on running the old code.',
    next: 'Patch with live edit (--allow-live-edit), or move the changed code into a named function.',
  },
  [CODES.unsupportedFunction]: {
    what: '{function} cannot be replaced yet: {reason}.',
    next: 'Restart the process for this edit.',
  },
  [CODES.otherCompiler]: {
    what: 'The running text of {function} cannot be reproduced from its source: another compiler or other options made it.',
    next: 'Patch the compiled file itself, or restart the process.',
  },
  [CODES.overlapsPatch]: {
    what: '{function} overlaps {other}, which a loaded patch holds.',
    next: 'Unload that patch first, or patch {other} again.',
  },
  [CODES.heldByOtherEngine]: {
    what: '{function} is held by a patch that was applied with {engine}; this edit needs another engine.',
    next: 'Unload that patch first.',
  },
  [CODES.capturesChanged]: {
    what: 'The edit of {function} changes which variables its closures capture ({names}); V8 would ignore it.',
    next: 'Use the same outer variables as before, or restart the process.',
  },
  [CODES.ambiguousFunction]: {
    what: '{function} names {count} functions of {file}.',
    next: 'Use a longer name.',
  },
  [CODES.outsideFunctions]: {
    what: 'The code at line {line} of {file} is in no function; a running process does not run it again.',
    next: 'Choose a function, or restart the process.',
  },
  [CODES.noDoor]: {
    what: 'No function of the running script gives a way into the scope of {function}.',
    next: 'Restart the process for this edit.',
  },

  [CODES.fileUnreadable]: { what: '{file} cannot be read ({reason}).', next: 'Check the path.' },
  [CODES.syntaxError]: {
    what: '{file}:{line}:{column}: {message}.',
    next: 'Correct it and patch again. Nothing was changed.',
  },
  [CODES.notLoaded]: {
    what: '{file} is not loaded in process {pid}: no script there is this file, and no source map of one names it.',
    next: 'Check the file and the process; compile with source maps. Modules not loaded yet are read from disk when they are.',
  },
  [CODES.loadedTwice]: {
    what: '{url} is loaded {copies} times in the process; which one runs is not known.',
    next: 'Restart the process for this edit.',
  },
  [CODES.notScript]: {
    what: '{file} is no TypeScript or JavaScript.',
    next: 'Patch a .ts, .tsx, .js, .jsx, .mts, .cts, .mjs or .cjs file.',
  },
  [CODES.badConfig]: { what: '{file} cannot be understood ({reason}).', next: 'Correct it and patch again.' },

  [CODES.alreadyLoaded]: {
    what: 'The patch {id} is loaded already.',
    next: 'Edit the function, or unload it.',
  },
  [CODES.noSuchPatch]: {
    what: 'No patch {id} is loaded. There are: {available}.',
    next: 'Run `hotpatch list`.',
  },
  [CODES.waitingForCall]: {
    what: 'Waiting for the first call into {module}; nothing is changed yet.',
    next: 'Use the program, or unload to give up.',
  },
  [CODES.waitingForProof]: {
    what: 'In place; the first call of it will prove that the new code runs.',
    next: 'Use the program, or unload to take it back.',
  },
  [CODES.neverCalled]: {
    what: 'Nothing of {module} was called within {seconds} s, so nothing was changed.',
    next: 'Unload this patch and load it again while the program is in use.',
  },
  [CODES.notEffective]: {
    what: 'V8 took the edit of {function} and went on running the old code; it was taken back.',
    next: 'Restart the process for this edit.',
  },
  [CODES.functionActive]: {
    what: '{function} is running or suspended just now.',
    next: 'Try again when its calls have ended.',
  },
  [CODES.scriptGone]: {
    what: 'The script {url} is not in the process.',
    next: 'Attach again and patch again.',
  },
  [CODES.baselineDiffers]: {
    what: 'The running text of {url} is not the one this patch was made for.',
    next: 'Patch again.',
  },
  [CODES.evaluationFailed]: {
    what: 'The new code of {function} could not be made in its scope ({message}).',
    next: 'Correct it and patch again. Nothing was changed.',
  },
  [CODES.changedElsewhere]: {
    what: '{function} is no longer what was loaded: something else replaced it.',
    next: 'Unload the patches of this file, or restart the process.',
  },
  [CODES.otherRefused]: {
    what: 'Not changed, because {function} of the same patch was refused.',
    next: 'See that function.',
  },
  [CODES.ambiguousPatch]: { what: '{id} is the beginning of {count} patch ids.', next: 'Give more of it.' },
  [CODES.covered]: {
    what: 'Patch {other} of the same function was loaded later and runs in its place.',
    next: 'Unload that one to bring this one back.',
  },
  [CODES.oldCodeRan]: {
    what: 'The old code of {function} ran {calls} times after it was replaced: a reference to it was taken before.',
    next: 'Unload it and patch with live edit where it is safe, or restart the process.',
  },

  [CODES.usage]: { what: '{message}', next: 'Run `hotpatch --help`.' },
  [CODES.internal]: { what: 'A fault of ours: {message}', next: 'Please report it.' },
  [CODES.badRequest]: {
    what: 'The agent did not understand the request ({reason}).',
    next: 'Use client and agent of one version.',
  },
};

/** What happened and what to do next, in plain English, for one code. Total: an unknown code still gets words. */
export function explain(code: string, data: Details = {}): { what: string; next: string } {
  const entry = (catalogue as Record<string, Entry>)[code] ?? {
    what: `Code ${code}.`,
    next: 'Update hotpatch: this code is newer than it.',
  };
  return { what: fill(entry.what, data), next: fill(entry.next, data) };
}

/** One line for any outcome; every surface shows an outcome through this. */
export function describeOutcome(outcome: Outcome): string {
  if (outcome.status === 'applied') return 'applied';
  const { what } = explain(outcome.code, outcome.data);
  return `${outcome.status} (${outcome.code}): ${what}`;
}

function fill(words: string, data: Details): string {
  return words.replace(/\{(\w+)\}/g, (_, key: string) => {
    const value = data[key];
    if (value === undefined) return '?';
    if (Array.isArray(value)) return value.length > 0 ? value.join(', ') : 'none';
    return String(value);
  });
}
