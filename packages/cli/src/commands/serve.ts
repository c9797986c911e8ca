// `holdfast serve`: this machine for others, over sessions that survive the network, until it is told to stop.
import { join } from "node:path";
import { systemClock } from "@holdfast/net";
import {
  SERVE_PORT,
  startMachineServer,
  type MachineServer,
  type MachineServerEvent,
} from "@holdfast/remote";
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
  parsePortOrAny,
  parsePositiveDuration,
  parseText,
} from "../options/values.ts";
import type { openDaemonLog } from "../remote/daemon-log.ts";
import { hasSecretFile, readSecret } from "../secret.ts";
import { auditLine, describeAudit } from "../serve/audit.ts";
import { openClients, type Clients } from "../serve/clients.ts";
import { detach } from "../serve/detach.ts";
import { showServer } from "../serve/show-server.ts";
import { parseShutdown, ShutdownTimer } from "../serve/shutdown.ts";
import { offerThisMachine } from "../serve/this-machine.ts";
import { handleSignals } from "../signals.ts";
import { escapeText } from "../terminal/escape.ts";
import { plural } from "../terminal/format.ts";
import type { Output } from "../terminal/output.ts";

const HEARTBEATS = "Liveness";

const options = {
  bind: withDefault(
    { name: "bind", value: "<address>", description: "where to listen", shownDefault: "127.0.0.1" },
    parseText,
  ),
  port: withDefault(
    {
      name: "port",
      command: "serve",
      value: "<port>",
      description: "where to listen; 0: any free port",
      shownDefault: String(SERVE_PORT),
    },
    parsePortOrAny,
  ),
  lease: withDefault(
    {
      name: "lease",
      value: "<time>",
      description: "how long a session, and what runs in it, waits for a client that is away",
      shownDefault: "15m",
    },
    parseLease,
  ),
  shutdown: withDefault(
    {
      name: "shutdown",
      value: "<when>",
      description:
        "stop by itself: never, after=2h, lonely=10m (so long without a session), or once=10m (with its last " +
        "session, or if none comes for so long)",
      shownDefault: "never",
    },
    parseShutdown,
  ),
  detach: flag({ name: "detach", description: "go on in the background, and return when it listens" }),
  logFile: optional(
    {
      name: "log-file",
      value: "<file>",
      description: "audit goes to this file, too; it is put aside as it grows",
    },
    parseText,
  ),
  ...secretOptions,
  authorizedKeys: optional(
    {
      name: "authorized-keys",
      value: "<file>",
      description: "let in the clients whose keys are in this file, a line each",
      group: "Trust",
    },
    parseText,
  ),
  ...certificateOptions,
  heartbeatInterval: withDefault(
    {
      name: "heartbeat-interval",
      command: "serve",
      value: "<time>",
      description: "ask for a sign of life when idle so long",
      shownDefault: "5s",
      group: HEARTBEATS,
    },
    parsePositiveDuration,
  ),
  maxHeartbeatFailures: withDefault(
    {
      name: "max-heartbeat-failures",
      command: "serve",
      value: "<n>",
      description: "hang up after so many heartbeats in a row that brought no byte; 0: never",
      shownDefault: "3",
      group: HEARTBEATS,
    },
    parseCount,
  ),
  ...drainOption,
  ...nameOption,
  ...outputOptions,
} as const;

type ServeValues = Values<typeof options>;

export const serve = defineCommand({
  name: "serve",
  summary: "offer this machine to `connect holdfast://…`",
  description:
    "Lets clients run programs, reach addresses and use files here, as the user that runs it; what they start survives\n" +
    "cuts of their network for --lease. Whoever gets in can do all that this user can. Without a secret or authorized\n" +
    "keys it listens on this machine only, and lets in nobody but this user. With --authorized-keys, a client that is\n" +
    "refused is told the line to add to the file. With a secret and keys, clients need both. Other machines are spoken\n" +
    "to over TLS: with --certificate, or with a key of its own whose fingerprint it prints. Each session, process and\n" +
    "connection is a line of audit. SIGTERM and Ctrl-C let what runs finish; a second one stops now. SIGHUP reads\n" +
    "--secret-file, --authorized-keys and the certificates again and drops nobody.",
  usage: "",
  options,
  examples: [
    { line: "holdfast serve --port 0", does: "this machine for this user, on any free port" },
    {
      line: "holdfast serve --bind 0.0.0.0 --port 0 --secret-file secret.txt",
      does: "this machine for others who know the secret",
    },
  ],
  run,
});

async function run(context: Context, _args: readonly string[], values: ServeValues): Promise<ExitCode> {
  const { output, paths } = context;
  const secret = await readSecret(values, output);
  if (values.detach) {
    const passed = hasSecretFile(values) ? undefined : secret;
    await detach(context, { words: process.argv.slice(3), secret: passed, logFile: values.logFile });
    return EXIT.ok;
  }
  const clients = await openClients(context, { bind: values.bind, secret, file: values.authorizedKeys });
  const stop = new Stop();
  await using host = await openCommandControl(context, "serve", values.name ?? "serve");
  const certificates = await openCertificates(values, join(paths.stateFolder, "serve"), output);
  const log = values.logFile === undefined ? undefined : await openLog(values.logFile);
  const machine = await offerThisMachine(context);
  await using server = await startMachineServer({
    bind: values.bind,
    port: values.port,
    machine: machine.link,
    secret: clients.secret,
    authorizedOwners: clients.authorized,
    tls: certificates.current(),
    limits: { resumeMs: values.lease },
    heartbeatIntervalMs: values.heartbeatInterval,
    maxHeartbeatFailures: values.maxHeartbeatFailures,
    onEvent: (event) => tell(event, output, log),
  });
  const timer = new ShutdownTimer(values.shutdown, systemClock, (why) => stop.ask(why));
  const shown = showServer(host, {
    name: values.name ?? "serve",
    server,
    secretRequired: secret !== undefined,
    authorizedKeys: () => clients.count,
    disconnect: () => stop.ask("disconnect"),
    onSessions: (count, begun) => timer.sessions(count, begun),
  });
  handleSignals({
    drain: (signal) => stop.ask(signal),
    cut: () => void server.close(),
    hangup: () => void reloadAll(reloaded({ server, certificates, clients, values, output }), output),
  });
  output.data(`listening at ${shown.url}`, { type: "ready", addresses: [shown.url] });
  output.status(`fingerprint ${certificates.current().fingerprint}`);
  output.status(clients.description);
  printEvents(host, output);
  const reason = await stop.asked;
  timer.close();
  output.status(describeDrain(reason, plural(server.status.sessions, "session"), values.drainTimeout));
  const settled = tellOfCuts(() => server.status.processes, values.drainTimeout, output);
  await server.drain(values.drainTimeout).finally(settled);
  await shown.ended;
  await machine.close();
  log?.close();
  return EXIT.ok;
}

/** One line for each, on stdout with `--json`, else on stderr. */
function tell(event: MachineServerEvent, output: Output, log: Log | undefined): void {
  const now = Date.now();
  if (event.type === "warning") {
    log?.write({ level: "warn", event: "warning", message: escapeText(event.error.text) });
    return output.warn(escapeText(event.error.text));
  }
  log?.write({ level: "info", event: event.type, message: describeAudit(event, now) });
  if (output.json) output.line(auditLine(event, now));
  else output.status(describeAudit(event, now));
}

type Log = ReturnType<typeof openDaemonLog>;

/** Loaded only for those who want a log. */
async function openLog(file: string): Promise<Log> {
  const { openDaemonLog } = await import("../remote/daemon-log.ts");
  return openDaemonLog(file);
}

interface Reload {
  readonly server: MachineServer;
  readonly certificates: CertificateSource;
  readonly clients: Clients;
  readonly values: ServeValues;
  readonly output: Output;
}

/** What SIGHUP reads again. */
function reloaded({ server, certificates, clients, values, output }: Reload): readonly Reloaded[] {
  const secret = async (): Promise<void> => {
    const text = await readSecret(values, output);
    if (text !== undefined) server.useSecret(text);
  };
  return [
    {
      what: "certificates",
      reload: async () => server.useTls(await certificates.reload()),
    },
    ...(hasSecretFile(values) ? [{ what: "secret", reload: secret }] : []),
    ...(values.authorizedKeys === undefined ? [] : [{ what: "keys", reload: () => clients.reload() }]),
  ];
}
