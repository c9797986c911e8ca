// The only place where this package starts processes of this machine, and asks what it runs in.
import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { env, platform } from "node:process";

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
): ChildProcessWithoutNullStreams {
  return spawn(program, args, {
    cwd: directory,
    env: environment,
    detached,
    stdio: "pipe",
    windowsHide: true,
  });
}

/** What this process was started with. */
export function ownEnvironment(): NodeJS.ProcessEnv {
  return { ...env };
}

export function ownPlatform(): string {
  return platform;
}
