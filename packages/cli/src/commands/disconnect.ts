// `holdfast disconnect`: end a tunnel, relay, connection or forward as if it had been asked to stop itself.
import { defineCommand, type Context } from "../command.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { outputOptions } from "../options/flags.ts";
import { needUnixSockets, selectEntry, withEntries } from "../select.ts";
import { escapeText } from "../terminal/escape.ts";
import { usageError } from "../usage.ts";

export const disconnect = defineCommand({
  name: "disconnect",
  summary: "end a tunnel, relay, connection or forward",
  description:
    "Ends a tunnel or relay: it takes no new work and lets open streams finish. The process ends with the last of\n" +
    "what it runs. A connection ends with all that runs over it, and the daemon forgets it. With one that runs, NAME\n" +
    "may be left out.",
  usage: "[name]",
  options: outputOptions,
  examples: [
    { line: "holdfast disconnect expose-3000", does: "by name" },
    {
      line: "holdfast disconnect --json",
      does: "the only one that runs, with an acknowledgement as an object",
    },
  ],
  run,
});

async function run(context: Context, args: readonly string[]): Promise<ExitCode> {
  needUnixSockets();
  await withEntries(context, async (listed, silent) => {
    const { client, entry } = selectEntry(listed, args[0], silent);
    if (entry.type === "relay" && client.hello.command !== "relay") {
      throw usageError(
        `${entry.name} belongs to the ${client.hello.command} process ${entry.pid}, and ends with it`,
        "disconnect its tunnels instead",
      );
    }
    await client.disconnect(entry.id);
    context.output.data(`disconnecting ${escapeText(entry.name)}`, {
      type: "disconnect_initiated",
      id: entry.id,
    });
  });
  return EXIT.ok;
}
