// `holdfast exec`: run a program on a machine, as if it ran here.
import type { ProcessRequest } from "@holdfast/remote";
import { defineCommand, type Context } from "../command.ts";
import { runThrough } from "../machine/run-through.ts";
import { lineOption, placeOf, processOptions } from "../machine/options.ts";
import { outputOptions } from "../options/flags.ts";
import type { Values } from "../options/option.ts";
import { chooseConnection } from "../remote/choose-connection.ts";
import { usageError } from "../usage.ts";

const options = { ...lineOption, ...processOptions, ...outputOptions } as const;

export const exec = defineCommand({
  name: "exec",
  summary: "run a program on a machine",
  description:
    "Runs a program on the machine of a connection, with stdin, stdout, stderr, signals and the exit code as if it ran\n" +
    "here. What follows -- is the program and its arguments, which no shell looks at; --line gives a line to the shell\n" +
    "there. The exit code is the program's, 128 + n if a signal ended it, 255 if something failed on the way. If the\n" +
    "connection is lost the program ends with it, except over holdfast://, where it goes on. With one connection NAME\n" +
    "may be left out.",
  usage: "[name]",
  tail: "CMD ARGS",
  options,
  examples: [
    { line: "holdfast exec -- uname -a", does: "on the only machine that is connected" },
    { line: "holdfast exec here --directory /tmp -- pwd", does: "by name, in a directory of it" },
  ],
  run,
});

async function run(
  context: Context,
  args: readonly string[],
  values: Values<typeof options>,
): Promise<number> {
  const command = commandOf(context.tail, values.line, args[0]);
  return runThrough(context, {
    choose: (client) => chooseConnection(context, client, args[0]),
    request: { command, ...placeOf(values) },
    terminal: values.tty,
    input: !values.noStdin,
    waitMs: values.wait,
  });
}

/** @throws HoldfastError `usage`. */
function commandOf(
  tail: readonly string[] | undefined,
  line: string | undefined,
  first: string | undefined,
): ProcessRequest["command"] {
  const [program, ...args] = tail ?? [];
  if (line !== undefined && program !== undefined) {
    throw usageError("there is a --line and a command after --: which one?");
  }
  if (line !== undefined) return line;
  if (program !== undefined) return [program, ...args];
  throw usageError(
    "there is no command",
    tail === undefined && first !== undefined
      ? `put -- before it, as in: holdfast exec -- ${first}`
      : "as in: holdfast exec -- uname -a",
  );
}
