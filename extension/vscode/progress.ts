import { ProgressLocation, window } from 'vscode';

/** How long a task may stay a spinner in the status bar before it becomes a notification with Cancel. */
const patienceMs = 1500;

/**
 * Runs a task with progress that does not flash: a spinner at first, a notification that can cancel when it takes long.
 * Cancelling aborts the signal. Resolves with null when the task then rejects; any other rejection is passed on.
 */
export async function withProgress<T>(
  title: string,
  task: (signal: AbortSignal) => Promise<T>,
): Promise<T | null> {
  const abort = new AbortController();
  const running = task(abort.signal);
  void window.withProgress({ location: ProgressLocation.Window, title }, () => settled(running));
  const timer = setTimeout(() => {
    void window.withProgress(
      { location: ProgressLocation.Notification, title, cancellable: true },
      (_progress, token) => {
        token.onCancellationRequested(() => abort.abort());
        return settled(running);
      },
    );
  }, patienceMs);
  try {
    return await running;
  } catch (error) {
    if (abort.signal.aborted) return null;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function settled(task: Promise<unknown>): Promise<void> {
  return task.then(
    () => undefined,
    () => undefined,
  );
}
