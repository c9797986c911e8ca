// `holdfast connect`: a connection to a machine or container, kept by the daemon until it is told otherwise.
import type { ConnectionEntry } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";
import { defineCommand, type Context } from "../command.ts";
import { Stop } from "../control.ts";
import { describeEntry } from "../describe.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { nameOption, outputOptions } from "../options/flags.ts";
import { flag, type Values } from "../options/option.ts";
import { connectOptions, connectToOf } from "../remote/connect-options.ts";
import { connectTo, type ConnectToOptions } from "../remote/connect-to.ts";
import { openDaemonOf } from "../remote/open-daemon.ts";
import { handleSignals } from "../signals.ts";
import { escapeText } from "../terminal/escape.ts";

const options = {
  background: flag({
    name: "background",
    description: "do not wait: it is kept and dialled again from the start",
  }),
  new: flag({ name: "new", description: "another one, also if there is such a connection already" }),
  ...nameOption,
  ...connectOptions,
  ...outputOptions,
} as const;

export const connect = defineCommand({
  name: "connect",
  summary: "keep a connection to a machine or container",
  description:
    "Connects to DESTINATION: ssh://[user@]host[:port] (or user@host), docker://container, docker+run://image,\n" +
    "holdfast://server, or host://localhost, which is this machine. The daemon keeps the connection over every outage\n" +
    "until `holdfast disconnect`; it is started if none runs. If the first dial fails, nothing is kept. What has to be\n" +
    "asked (a password, an unknown host key) is asked on the terminal, and never later in the background. One that\n" +
    "is there already is used again. Ctrl-C cancels.",
  usage: "<destination>",
  options,
  examples: [
    { line: "holdfast connect host://localhost --name here", does: "this machine, as `here`" },
    {
      line: "holdfast connect host://localhost --background --json",
      does: "without waiting for it, as an object",
    },
  ],
  run,
});

async function run(
  context: Context,
  args: readonly string[],
  values: Values<typeof options>,
): Promise<ExitCode> {
  const { name, background } = values;
  const wanted = await connectToOf(args[0]!, values, context.output);
  return connectAndShow(context, { ...wanted, name, background, new: values.new });
}

/** Connect, and show the entry. Ctrl-C cancels. */
export async function connectAndShow(context: Context, wanted: ConnectToOptions): Promise<ExitCode> {
  const { output } = context;
  const client = openDaemonOf(context);
  const stop = new Stop();
  const cancel = new AbortController();
  handleSignals({ drain: (signal) => stop.ask(signal), hangup: () => undefined });
  void stop.asked.then((reason) => cancel.abort(cancelled(reason)));
  try {
    output.detail(`connecting to ${escapeText(wanted.destination)}`);
    const entry = await connectTo(context, client, { ...wanted, signal: cancel.signal });
    output.data(describe(entry), entry);
    return EXIT.ok;
  } finally {
    await client.close();
  }
}

/** `server (7): connected to ssh://me@server` */
function describe(entry: ConnectionEntry): string {
  const state = describeEntry(entry, Date.now());
  return `${escapeText(entry.name)} (${entry.id}): ${state}${entry.state === "connected" ? " to" : ","} ${escapeText(entry.destination)}`;
}

function cancelled(signal: string): HoldfastError {
  const message = `cancelled by ${signal}: nothing is kept`;
  return new HoldfastError({ code: "cancelled", message, kind: "fatal", fault: "local" });
}
