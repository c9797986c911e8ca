// `holdfast api`: a machine for programs, by requests and answers as JSON lines.
import { HoldfastError } from "@holdfast/core";
import { LineSink } from "../api/line-sink.ts";
import { serveApi } from "../api/serve-api.ts";
import { defineCommand, type Context } from "../command.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { drainOption, outputOptions } from "../options/flags.ts";
import { optional, type Values } from "../options/option.ts";
import { parsePositiveDuration, parseText } from "../options/values.ts";
import { chooseConnection } from "../remote/choose-connection.ts";
import { openDaemonOf } from "../remote/open-daemon.ts";
import { usageError } from "../usage.ts";

const options = {
  connection: optional(
    { name: "connection", value: "<name>", description: "which one, as distant's editors say it" },
    parseText,
  ),
  timeout: optional(
    {
      name: "timeout",
      value: "<time>",
      description: "answer a request that takes longer with an error (never)",
      command: "api",
    },
    parsePositiveDuration,
  ),
  ...drainOption,
  ...outputOptions,
} as const;

export const api = defineCommand({
  name: "api",
  summary: "requests and answers of editors, as JSON lines",
  description:
    "Reads requests for the machine of a connection from stdin and prints the answers, one JSON object a line, as\n" +
    "`distant api` does: files, processes, tunnels, lists of requests in order or at the same time (docs/api.md). Says\n" +
    "auth_finished when requests are welcome. While the connection is away requests wait; what was under way when it\n" +
    "was lost says that it may have been done. Changes of the connection are events among the answers. At the end of\n" +
    "stdin it answers what it was asked, lets processes end, and ends. With one connection NAME may be left out.",
  usage: "[name]",
  options,
  examples: [
    { line: "holdfast api", does: "the only machine that is connected" },
    { line: "holdfast api here --timeout 30s --json", does: "by name; the first line is `hello`" },
  ],
  run,
});

async function run(
  context: Context,
  args: readonly string[],
  values: Values<typeof options>,
): Promise<ExitCode> {
  const wanted = values.connection ?? args[0];
  if (args[0] !== undefined && values.connection !== undefined && args[0] !== values.connection) {
    throw usageError("there is a name and a --connection: which one?");
  }
  const sink = new LineSink(process.stdout);
  const client = openDaemonOf(context);
  try {
    const entry = await chooseConnection(context, client, wanted);
    await serveApi({
      context,
      client,
      entry,
      sink,
      input: process.stdin,
      timeoutMs: values.timeout,
      drainMs: values.drainTimeout,
    });
    return EXIT.ok;
  } catch (thrown) {
    // Programs read stdout, with --json and without.
    if (!context.output.json) sink.error(HoldfastError.from(thrown));
    throw thrown;
  } finally {
    await client.close();
  }
}
