// `holdfast relay`: a relay for tunnels, until it is told to stop.
import { HoldfastError } from "@holdfast/core";
import { defineCommand, type Context } from "../command.ts";
import { Stop, openCommandControl, printEvents } from "../control.ts";
import { describeDrain, tellOfCuts } from "../drain.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { drainOption, nameOption, outputOptions, secretOptions } from "../options/flags.ts";
import { flag, optional, withDefault, type Values } from "../options/option.ts";
import { parsePortOrAny, parsePortRange, parseText } from "../options/values.ts";
import { startShownRelay, type ShownRelay } from "../relay-process.ts";
import { readSecret } from "../secret.ts";
import { handleSignals } from "../signals.ts";
import { plural } from "../terminal/format.ts";
import type { Output } from "../terminal/output.ts";

const options = {
  bind: withDefault(
    { name: "bind", value: "<address>", description: "where to listen", shownDefault: "127.0.0.1" },
    parseText,
  ),
  borePort: withDefault(
    {
      name: "bore-port",
      value: "<port>",
      description: "for clients; 0: any free port",
      shownDefault: "7835",
    },
    parsePortOrAny,
  ),
  ports: withDefault(
    { name: "ports", value: "<range>", description: "that tunnels may have", shownDefault: "1024-65535" },
    parsePortRange,
  ),
  tunnelBind: optional(
    { name: "tunnel-bind", value: "<address>", description: "where visitors connect (as --bind)" },
    parseText,
  ),
  ...secretOptions,
  anonymous: flag({
    name: "anonymous",
    description: "let everybody in, without a secret, also from other machines",
  }),
  ...drainOption,
  ...nameOption,
  ...outputOptions,
} as const;

export const relay = defineCommand({
  name: "relay",
  summary: "give tunnels a place where visitors reach them",
  description:
    "Runs a relay that bore clients and `holdfast expose` connect to. Without a secret it listens on this machine\n" +
    "only, unless --anonymous says otherwise. SIGTERM and Ctrl-C let open streams finish; a second one stops now.\n" +
    "SIGHUP reads --secret-file again and drops nobody.",
  usage: "",
  options,
  examples: [
    { line: "holdfast relay --bore-port 0", does: "a relay for this machine, on any free port" },
    {
      line: "holdfast relay --bind 0.0.0.0 --bore-port 0 --secret-file secret.txt",
      does: "a relay for others who know the secret",
    },
  ],
  run,
});

async function run(
  context: Context,
  _args: readonly string[],
  values: Values<typeof options>,
): Promise<ExitCode> {
  const { output } = context;
  const secret = await readSecret(values, output);
  const stop = new Stop();
  const name = values.name ?? "relay";
  await using host = await openCommandControl(context, "relay", name);
  const shown = await startShownRelay(
    host,
    {
      bind: values.bind,
      port: values.borePort,
      ports: values.ports,
      ...(values.tunnelBind !== undefined && { tunnelBind: values.tunnelBind }),
      secret,
      anonymous: values.anonymous,
    },
    { name, output, disconnect: () => stop.ask("disconnect") },
  );
  handleSignals({
    drain: (signal) => stop.ask(signal),
    hangup: () => void reload(shown, values, output),
  });
  try {
    output.data(`listening at ${shown.url}`, { type: "ready", addresses: [shown.url] });
    printEvents(host, output);
    if (secret === undefined) output.status(openWarning(values));
    const reason = await stop.asked;
    const tunnels = plural(shown.relay.tunnels.length, "tunnel");
    output.status(describeDrain(reason, tunnels, values.drainTimeout));
    const settled = tellOfCuts(() => visitorsOf(shown), values.drainTimeout, output);
    await shown.relay.drain(values.drainTimeout).finally(settled);
    await shown.ended;
    return EXIT.ok;
  } finally {
    await shown.relay.close();
  }
}

function visitorsOf({ relay }: ShownRelay): number {
  return relay.tunnels.reduce((sum, tunnel) => sum + tunnel.visitors, 0);
}

/** SIGHUP: the secret's file is read again. Clients that are here stay. */
async function reload(shown: ShownRelay, values: Values<typeof options>, output: Output): Promise<void> {
  if (values.secretFile === undefined || values.secretFile === "-") {
    output.status("SIGHUP: there is no --secret-file to read again; nobody was dropped");
    return;
  }
  try {
    const secret = await readSecret(values, output);
    if (secret !== undefined) shown.relay.useSecret(secret);
    output.status("SIGHUP: read the secret again; nobody was dropped");
  } catch (thrown) {
    output.warn(`SIGHUP: the old secret stays in force: ${HoldfastError.from(thrown).text}`);
  }
}

function openWarning(values: Values<typeof options>): string {
  const who = values.anonymous ? "everybody who can reach it" : "everybody on this machine";
  return `no secret is set: ${who} can open tunnels`;
}
