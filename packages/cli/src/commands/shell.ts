// `holdfast shell`: a login shell on a machine.
import { defineCommand, type Context } from "../command.ts";
import { placeOf, processOptions } from "../machine/options.ts";
import { runThrough, wantsTerminal } from "../machine/run-through.ts";
import { outputOptions } from "../options/flags.ts";
import type { Values } from "../options/option.ts";
import { chooseConnection } from "../remote/choose-connection.ts";

const options = { ...processOptions, ...outputOptions } as const;

export const shell = defineCommand({
  name: "shell",
  summary: "a shell on a machine",
  description:
    "Opens a login shell on the machine of a connection, on this terminal; without a terminal it reads its commands\n" +
    "from stdin. After Enter, ~. ends it, ~r reconnects now, ~s says how the connection stands, ~? helps, ~~ is a\n" +
    "tilde. What is typed while the connection is away is kept for it, up to 4 KiB; Ctrl-C drops that. The exit code is\n" +
    "the shell's, 255 if something failed on the way. If the connection is lost the shell ends with it, except over\n" +
    "holdfast://, where it goes on.",
  usage: "[name]",
  options,
  examples: [
    { line: "holdfast shell", does: "on the only machine that is connected" },
    { line: "holdfast shell here --directory /tmp", does: "by name, in a directory of it" },
  ],
  run,
});

async function run(
  context: Context,
  args: readonly string[],
  values: Values<typeof options>,
): Promise<number> {
  return runThrough(context, {
    choose: (client) => chooseConnection(context, client, args[0]),
    request: { command: undefined, ...placeOf(values) },
    terminal: values.tty || wantsTerminal(context),
    input: !values.noStdin,
    waitMs: values.wait,
  });
}
