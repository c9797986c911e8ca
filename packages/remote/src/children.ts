// The only place where this package starts and signals processes of this machine, and asks what it runs in.
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { env, kill, platform } from "node:process";

/** A process with three pipes. */
export type Child = ChildProcessWithoutNullStreams;

export interface ChildOptions {
  readonly directory?: string | undefined;
  /** All of it: nothing is inherited. */
  readonly environment: NodeJS.ProcessEnv;
  /** A group of its own, so that it can be signalled with what it started. */
  readonly detached?: boolean;
}

/** Start a program. What goes wrong, also at the start, is its `error` event. */
export function startChild(
  program: string,
  args: readonly string[],
  { directory, environment, detached = false }: ChildOptions,
): Child {
  return spawn(program, args, {
    cwd: directory,
    env: environment,
    detached,
    stdio: "pipe",
    windowsHide: true,
  });
}

/** Signal a group of processes; `0` only asks whether there is one. Returns whether there was. */
export function signalGroup(leader: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return kill(-leader, signal);
  } catch (error) {
    // Somebody else's by now (`EPERM`) is a group, though not one that we may signal.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** What this process was started with, without the secrets that are for it alone. */
export function ownEnvironment(): NodeJS.ProcessEnv {
  const { HOLDFAST_SECRET: _secret, ...rest } = env;
  return rest;
}

export function ownPlatform(): string {
  return platform;
}
