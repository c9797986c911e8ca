// `holdfast reconnect`: dial now instead of later, or make sure that the link is alive.
import { defineCommand, type Context } from "../command.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { outputOptions } from "../options/flags.ts";
import { needUnixSockets, selectEntry, withEntries } from "../select.ts";
import { escapeText } from "../terminal/escape.ts";

export const reconnect = defineCommand({
  name: "reconnect",
  summary: "dial now instead of later",
  description:
    "Makes a tunnel or connection dial now instead of at its next retry. With one that runs, NAME may be left out.",
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
  await withEntries(context, async (listed) => {
    // A relay has nothing to dial, so it is no candidate when nobody says what is meant.
    const candidates = args[0] === undefined ? listed.filter(({ entry }) => entry.type !== "relay") : listed;
    const { client, entry } = selectEntry(candidates, args[0]);
    await client.reconnect(entry.id);
    context.output.data(`reconnecting ${escapeText(entry.name)}`, {
      type: "reconnect_initiated",
      id: entry.id,
    });
  });
  return EXIT.ok;
}
