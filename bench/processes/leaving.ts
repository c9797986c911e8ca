// What has to be done when this process leaves, whichever way it does: by itself, by a signal, or because npm, which
// ran it, is gone. (npm hands SIGTERM to the shell between the two, which dies of it and tells nobody.)
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const LOOK_FOR_PARENT_MS = 200;

/** One for each program and folder that is there now. */
const tasks = new Set<() => void>();

/** @returns what takes it back. The task must not wait for anything. */
export function onLeave(task: () => void): () => void {
  watch();
  tasks.add(task);
  return () => void tasks.delete(task);
}

let watching = false;

function watch(): void {
  if (watching) return;
  watching = true;
  process.once("exit", runAll);
  for (const signal of SIGNALS) process.once(signal, leave);
  if (process.env["npm_lifecycle_event"] === undefined) return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) leave("SIGTERM");
  }, LOOK_FOR_PARENT_MS).unref();
}

function runAll(): void {
  for (const task of tasks) task();
  tasks.clear();
}

/** Whoever waits for this process sees that a signal ended it. */
function leave(signal: NodeJS.Signals): void {
  runAll();
  for (const each of SIGNALS) process.removeListener(each, leave);
  process.kill(process.pid, signal);
}
