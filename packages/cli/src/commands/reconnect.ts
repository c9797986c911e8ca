// `holdfast reconnect`: dial now instead of later, or make sure that the link is alive.
import { defineCommand, type Context } from "../command.ts";
import { describeReconnect, isLine } from "../describe.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { outputOptions } from "../options/flags.ts";
import { needUnixSockets, selectEntry, withEntries } from "../select.ts";

export const reconnect = defineCommand({
  name: "reconnect",
  summary: "dial now instead of later",
  description:
    "Makes a tunnel or connection that is away dial now instead of at its next retry. A tunnel that is connected\n" +
    "stays: it makes sure that its link is alive, and hangs up if it is not. A connection that is connected gets a new\n" +
    "link, and leaves the old one when the new one is there. With one that runs, NAME may be left out.",
  usage: "[name]",
  options: outputOptions,
  examples: [
    { line: "holdfast reconnect expose-3000", does: "by name" },
    {
      line: "holdfast reconnect --json",
      does: "the only one that runs, with an acknowledgement as an object",
    },
  ],
  run,
});

async function run(context: Context, args: readonly string[]): Promise<ExitCode> {
  needUnixSockets();
  await withEntries(context, async (listed, silent) => {
    // A relay has nothing to dial, so it is no candidate when nobody says what is meant.
    const candidates = args[0] === undefined ? listed.filter(({ entry }) => isLine(entry)) : listed;
    const { client, entry } = selectEntry(candidates, args[0], silent);
    await client.reconnect(entry.id);
    context.output.data(isLine(entry) ? describeReconnect(entry.name, entry.state, entry.type) : entry.name, {
      type: "reconnect_initiated",
      id: entry.id,
    });
  });
  return EXIT.ok;
}
