// `holdfast relay`: a relay for tunnels, until it is told to stop.
import { join } from "node:path";
import { ensurePrivateFolder } from "@holdfast/trust/files";
import type { CertificateSource } from "@holdfast/trust";
import { certificateOptions, openCertificates, reloadAll, type Reloaded } from "../certificates.ts";
import { defineCommand, type Context } from "../command.ts";
import { Stop, openCommandControl, printEvents } from "../control.ts";
import { describeDrain, tellOfCuts } from "../drain.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { drainOption, nameOption, outputOptions, secretOptions } from "../options/flags.ts";
import { flag, optional, withDefault, type Values } from "../options/option.ts";
import {
  parseCount,
  parseLease,
  parseList,
  parsePortOrAny,
  parsePortRange,
  parseText,
} from "../options/values.ts";
import { startShownRelay, type ShownRelay } from "../relay/show-relay.ts";
import { hasSecretFile, readSecret } from "../secret.ts";
import { withEntries } from "../select.ts";
import { handleSignals } from "../signals.ts";
import { plural } from "../terminal/format.ts";
import type { Output } from "../terminal/output.ts";

const TRUST = "Trust";

const options = {
  bind: withDefault(
    { name: "bind", value: "<address>", description: "where to listen", shownDefault: "127.0.0.1" },
    parseText,
  ),
  port: withDefault(
    {
      name: "port",
      command: "relay",
      value: "<port>",
      description: "for Holdfast's clients; 0: any free port",
      shownDefault: "7836",
    },
    parsePortOrAny,
  ),
  borePort: withDefault(
    {
      name: "bore-port",
      value: "<port>",
      description: "for bore's clients; 0: any free port",
      shownDefault: "7835",
    },
    parsePortOrAny,
  ),
  noBore: flag({ name: "no-bore", description: "do not speak the bore dialect" }),
  ports: withDefault(
    { name: "ports", value: "<range>", description: "that tunnels may have", shownDefault: "1024-65535" },
    parsePortRange,
  ),
  tunnelBind: optional(
    { name: "tunnel-bind", value: "<address>", description: "where visitors connect (as --bind)" },
    parseText,
  ),
  lease: withDefault(
    {
      name: "lease",
      value: "<time>",
      description: "how long a port, and the streams on it, wait for a client that is away",
      shownDefault: "15m",
    },
    parseLease,
  ),
  leasesPerAddress: withDefault(
    {
      name: "leases-per-address",
      value: "<n>",
      description: "how many ports clients of one address may have; 0: no limit",
      shownDefault: "256",
    },
    parseCount,
  ),
  ...secretOptions,
  ...certificateOptions,
  allowHost: optional(
    {
      name: "allow-host",
      value: "<name,...>",
      description: "names of this relay in URLs of WebSockets",
      group: TRUST,
    },
    parseList,
  ),
  allowOrigin: optional(
    {
      name: "allow-origin",
      value: "<origin,...>",
      description: "web pages elsewhere that may use it",
      group: TRUST,
    },
    parseList,
  ),
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
    "Runs a relay that `holdfast expose` and bore's clients connect to, each on its port. Without a secret it listens\n" +
    "on this machine only, unless --anonymous says otherwise. Other machines are spoken to over TLS: with --certificate,\n" +
    "or with a key of its own that it keeps and whose fingerprint it prints. SIGTERM and Ctrl-C let open streams finish;\n" +
    "a second one stops now. SIGHUP reads --secret-file and the certificates again and drops nobody. Clients of this\n" +
    "machine may have any number of ports; those behind a proxy elsewhere come from one address: see\n" +
    "--leases-per-address.",
  usage: "",
  options,
  examples: [
    { line: "holdfast relay --port 0 --bore-port 0", does: "a relay for this machine, on any free ports" },
    {
      line: "holdfast relay --bind 0.0.0.0 --port 0 --no-bore --secret-file secret.txt",
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
  const name = values.name ?? (await freeName(context));
  await using host = await openCommandControl(context, "relay", name);
  const certificates = await openCertificates(values, join(context.paths.stateFolder, "relay"), output);
  await ensurePrivateFolder(join(context.paths.stateFolder, "relay"));
  const both = {
    bind: values.bind,
    ports: values.ports,
    ...(values.tunnelBind !== undefined && { tunnelBind: values.tunnelBind }),
    secret,
    anonymous: values.anonymous,
  };
  const shown = await startShownRelay(host, {
    native: {
      ...both,
      port: values.port,
      tls: certificates.current(),
      ...(values.allowHost !== undefined && { allowedHosts: values.allowHost }),
      ...(values.allowOrigin !== undefined && {
        allowedOrigins: values.allowOrigin,
        allowUnboundProofs: true,
      }),
      leaseFile: join(context.paths.stateFolder, "relay", `leases-${name}.json`),
      limits: { leaseMs: values.lease, leasesPerAddress: values.leasesPerAddress || Infinity },
    },
    bore: values.noBore ? undefined : { ...both, port: values.borePort },
    name,
    output,
    disconnect: () => stop.ask("disconnect"),
  });
  handleSignals({
    drain: (signal) => stop.ask(signal),
    cut: () => void shown.relay.close(),
    hangup: () => void reloadAll(reloaded({ shown, certificates, values, output }), output),
  });
  try {
    const addresses = [...shown.relay.addresses];
    output.data(`listening at ${addresses.join(" and ")}`, { type: "ready", addresses });
    output.status(`fingerprint ${certificates.current().fingerprint}`);
    printEvents(host, output);
    if (secret === undefined) output.status(openWarning(values));
    const reason = await stop.asked;
    const tunnels = plural(shown.relay.tunnels.length, "tunnel");
    output.status(describeDrain(reason, tunnels, values.drainTimeout));
    const settled = tellOfCuts(() => shown.relay.visitors, values.drainTimeout, output);
    await shown.relay.drain(values.drainTimeout).finally(settled);
    await shown.ended;
    return EXIT.ok;
  } finally {
    await shown.relay.close();
  }
}

/** Leases are kept under the relay's name, so two that run at once need two. */
async function freeName(context: Context): Promise<string> {
  if (process.platform === "win32") return "relay";
  const taken = await withEntries(context, async (listed) => new Set(listed.map(({ entry }) => entry.name)));
  let name = "relay";
  for (let number = 2; taken.has(name); number++) name = `relay-${number}`;
  return name;
}

interface Reload {
  readonly shown: ShownRelay;
  readonly certificates: CertificateSource;
  readonly values: Values<typeof options>;
  readonly output: Output;
}

/** What SIGHUP reads again: the certificates, and the secret's file. */
function reloaded({ shown, certificates, values, output }: Reload): readonly Reloaded[] {
  const secret = async (): Promise<void> => {
    const text = await readSecret(values, output);
    if (text !== undefined) shown.relay.useSecret(text);
  };
  return [
    {
      what: "certificates",
      reload: async () => shown.relay.native?.useTls(await certificates.reload()),
    },
    ...(hasSecretFile(values) ? [{ what: "secret", reload: secret }] : []),
  ];
}

function openWarning(values: Values<typeof options>): string {
  const who = values.anonymous ? "everybody who can reach it" : "everybody on this machine";
  return `no secret is set: ${who} can open tunnels`;
}
