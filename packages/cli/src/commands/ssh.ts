// `holdfast ssh`: a shell or a program on a machine, with a connection for as long as it takes.
import { defineCommand, type Context } from "../command.ts";
import { placeOf, processOptions } from "../machine/options.ts";
import { runThrough, wantsTerminal } from "../machine/run-through.ts";
import { outputOptions } from "../options/flags.ts";
import type { Values } from "../options/option.ts";
import { connectOptions, connectToOf } from "../remote/connect-options.ts";
import { connectTo } from "../remote/connect-to.ts";
import { usageError } from "../usage.ts";

const options = { ...processOptions, ...connectOptions, ...outputOptions } as const;

export const ssh = defineCommand({
  name: "ssh",
  summary: "connect, and open a shell or run a program",
  description:
    "Connects to DESTINATION as `connect` does, and opens a shell there as `shell` does, or runs what follows -- as `exec`\n" +
    "does, but one word alone is a line for the shell there. A connection that is there already is used, and stays; one that is made for this ends with it. Exit codes are\n" +
    "those of `exec`: 255 if something failed on the way.",
  usage: "<destination>",
  tail: "CMD ARGS",
  options,
  examples: [
    { line: "holdfast ssh host://localhost -- uname", does: "a program; me@server means ssh://me@server" },
    { line: "holdfast ssh host://localhost --directory /tmp -- pwd", does: "the same, in a directory" },
  ],
  run,
});

async function run(
  context: Context,
  args: readonly string[],
  values: Values<typeof options>,
): Promise<number> {
  const [program, ...rest] = context.tail ?? [];
  if (program === undefined && context.tail !== undefined) {
    throw usageError("there is no command behind --", "leave -- out for a shell");
  }
  const wanted = await connectToOf(args[0]!, values, context.output);
  return runThrough(context, {
    choose: (client) => connectTo(context, client, { ...wanted, kept: false }),
    request: {
      // As with OpenSSH, one word is a line for the shell over there.
      command: program === undefined || rest.length === 0 ? program : [program, ...rest],
      ...placeOf(values),
    },
    terminal: values.tty || (program === undefined && wantsTerminal(context)),
    input: !values.noStdin,
    waitMs: values.wait,
  });
}
