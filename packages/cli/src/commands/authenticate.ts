// `holdfast authenticate`: answer what a connection waits for, and let it go on.
import type { ConnectionEntry } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";
import type { DaemonClient } from "@holdfast/remote";
import { defineCommand, type Context } from "../command.ts";
import { Stop } from "../control.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { outputOptions } from "../options/flags.ts";
import { chooseConnection } from "../remote/choose-connection.ts";
import { authenticateAt } from "../remote/connect-to.ts";
import { openDaemonOf } from "../remote/open-daemon.ts";
import { handleSignals } from "../signals.ts";
import { escapeText } from "../terminal/escape.ts";

export const authenticate = defineCommand({
  name: "authenticate",
  summary: "answer what a connection waits for",
  description:
    "Dials a connection that needs an answer (a password, a changed agent, an unknown host key) and asks on the\n" +
    "terminal whatever there is to ask. NAME may be left out if only one connection waits for a person. One that is\n" +
    "connected already stays as it is.",
  usage: "[name]",
  options: outputOptions,
  examples: [
    { line: "holdfast authenticate here", does: "by name" },
    { line: "holdfast authenticate --json", does: "the only one, as an object" },
  ],
  run,
});

async function run(context: Context, args: readonly string[]): Promise<ExitCode> {
  const { output } = context;
  const client = openDaemonOf(context);
  const stop = new Stop();
  const cancel = new AbortController();
  handleSignals({ drain: (signal) => stop.ask(signal), hangup: () => undefined });
  void stop.asked.then((reason) => cancel.abort(cancelled(reason)));
  try {
    const entry = await choose(context, client, args[0]);
    const now =
      entry.state === "connected" ? entry : await authenticateAt(context, client, entry, cancel.signal);
    output.data(`${escapeText(now.name)} (${now.id}): connected to ${escapeText(now.destination)}`, now);
    return EXIT.ok;
  } finally {
    await client.close();
  }
}

/** Whoever leaves the name out means the one that waits. */
async function choose(
  context: Context,
  client: DaemonClient,
  wanted: string | undefined,
): Promise<ConnectionEntry> {
  if (wanted !== undefined) return chooseConnection(context, client, wanted);
  const entries = await (await client.control()).list();
  const waiting = entries.filter((entry) => entry.type === "connection" && entry.state === "auth_required");
  const [one, ...others] = waiting;
  return one?.type === "connection" && others.length === 0 ? one : chooseConnection(context, client);
}

function cancelled(signal: string): HoldfastError {
  const message = `cancelled by ${signal}: it waits for an answer as before`;
  return new HoldfastError({ code: "cancelled", message, kind: "fatal", fault: "local" });
}
