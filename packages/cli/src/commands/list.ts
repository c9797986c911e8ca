// `holdfast list`: what runs, one line each.
import { defineCommand, type Context } from "../command.ts";
import { describeEntry, describeLastHeard } from "../describe.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { outputOptions } from "../options/flags.ts";
import { destinationOf, idOf, needUnixSockets, withEntries } from "../select.ts";
import { escapeText } from "../terminal/escape.ts";
import { formatTable } from "../terminal/format.ts";

export const list = defineCommand({
  name: "list",
  summary: "what runs, one line each",
  description:
    "Lists every tunnel, relay, connection and forward of every holdfast process of this user. What the daemon keeps\n" +
    "has a number by which every command knows it.",
  usage: "",
  options: outputOptions,
  examples: [
    { line: "holdfast list", does: "a table" },
    { line: "holdfast list --json", does: "an object a line" },
  ],
  run,
});

async function run(context: Context): Promise<ExitCode> {
  needUnixSockets();
  const { output } = context;
  await withEntries(context, async (listed, silent) => {
    const now = Date.now();
    for (const { entry } of listed) output.line(entry);
    if (listed.length === 0) {
      if (silent.length === 0) output.status("nothing is running");
      return;
    }
    const rows = listed.map(({ entry }) => [
      idOf(entry),
      entry.type,
      entry.name,
      destinationOf(entry),
      entry.type === "tunnel" ? (entry.public_endpoint ?? "-") : "-",
      describeLastHeard(entry, now),
      describeEntry(entry, now),
    ]);
    const header = ["ID", "TYPE", "NAME", "WHERE", "PUBLIC", "HEARD", "STATE"];
    for (const line of formatTable([header, ...rows.map((row) => row.map(escapeText))])) output.text(line);
  });
  return EXIT.ok;
}
