// What a subcommand is. Each lives in a file of its own under `commands/` and is loaded when it is asked for.
import type { OptionSet, Values } from "./options/option.ts";
import type { Output } from "./terminal/output.ts";
import type { HoldfastPaths } from "@holdfast/control";

export interface Context {
  readonly output: Output;
  readonly paths: HoldfastPaths;
  /** Without the secrets, which have been taken out of it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What follows `--`, untouched, for commands that have a `tail`; undefined without `--`. */
  readonly tail: readonly string[] | undefined;
}

export interface Command<S extends OptionSet = OptionSet> {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What it does, in sentences. */
  readonly description: string;
  /** Positional arguments as commander writes them: `<target...>`, `[name]`. */
  readonly usage: string;
  /** What may follow `--`, which is not looked at: `CMD ARGS`. Default: nothing, and `--` only ends the options. */
  readonly tail?: string;
  readonly options: S;
  /** Two command lines that a test runs, each with what it does. */
  readonly examples: readonly Example[];
  /** Resolves with the exit code: one of `EXIT`, or what a program on another machine has ended with. */
  run(context: Context, args: readonly string[], options: Values<S>): Promise<number>;
}

interface Example {
  readonly line: string;
  readonly does: string;
}

/** Keeps the types of the options for `run`. */
export function defineCommand<S extends OptionSet>(command: Command<S>): Command<S> {
  return command;
}
