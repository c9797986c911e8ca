// The daemon of this user among all running processes: by its socket's name, and by what it says it is.
import { findProcesses, type ControlClient, type DialControlOptions } from "@holdfast/control";
import { HoldfastError, type Clock } from "@holdfast/core";
import { sleep } from "./sleep.ts";

/** The first part of its control socket's file name, and what its `hello` says that it runs. */
const DAEMON = "daemon";
/** How often a daemon that is being started is looked for. */
const LOOK_MS = 25;
/** Another one may be just about to listen, when one that was started has ended. */
const LAST_LOOKS_MS = 1_000;

/**
 * The daemon that answers, if there is one.
 * @throws HoldfastError `not_answering` if there is only one that is silent, `unsafe_folder`.
 */
export async function findDaemon(
  runtimeFolder: string,
  options: DialControlOptions = {},
): Promise<ControlClient | undefined> {
  const { clients, silent } = await findProcesses(runtimeFolder, { ...options, name: DAEMON });
  // Two that are started at once may both answer for a moment: the older one stays.
  const [daemon] = clients
    .filter(({ hello }) => hello.command === DAEMON)
    .toSorted((a, b) => (a.hello.started_at < b.hello.started_at ? -1 : 1));
  for (const client of clients) if (client !== daemon) client.close();
  // One on whose socket nobody listens has just died, or is a number that another process has got since.
  const stopped = silent.find(({ error }) => error.code === "timed_out");
  if (daemon !== undefined || stopped === undefined) return daemon;
  const { pid, error } = stopped;
  throw new HoldfastError({
    code: "not_answering",
    message: `the daemon (process ${pid}) does not answer: ${error.text}`,
    fault: "peer",
    hint: `it may be stopped: kill -CONT ${pid} lets it go on, kill -9 ${pid} ends it`,
    cause: error,
  });
}

/** A daemon that was started, from the outside. */
export interface StartedDaemon {
  /** Settles when the process has ended, with why; `already_running` if it found another one. */
  readonly ended: Promise<HoldfastError>;
}

export interface AwaitOptions extends DialControlOptions {
  readonly runtimeFolder: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * The daemon, as soon as one answers, be it the one that was started or another one that was there first.
 * @throws HoldfastError why the one that was started ended; the signal's reason.
 */
export async function awaitDaemon(
  started: StartedDaemon | undefined,
  options: AwaitOptions,
): Promise<ControlClient> {
  const { runtimeFolder, clock, signal } = options;
  let end: { readonly failure: HoldfastError; readonly at: number } | undefined;
  void started?.ended.then((failure) => (end = { failure, at: clock.mono() }));
  for (;;) {
    signal.throwIfAborted();
    const daemon = await findDaemon(runtimeFolder, options).catch(silentForNow);
    if (daemon !== undefined) return daemon;
    if (end !== undefined && isFinal(end.failure) && clock.mono() - end.at > LAST_LOOKS_MS) throw end.failure;
    await sleep(clock, LOOK_MS, signal);
  }
}

/** One that found another one leaves the field to it, however long that takes to answer. */
function isFinal({ code }: HoldfastError): boolean {
  return code !== "already_running";
}

/** A socket that is there a moment before somebody listens on it. */
function silentForNow(thrown: unknown): undefined {
  if (HoldfastError.from(thrown).code !== "not_answering") throw thrown;
}
