// `holdfast expose`: local ports get an address on a relay, and keep it.
import type { ControlHost } from "@holdfast/control";
import { HoldfastError, resolveConfig } from "@holdfast/core";
import { hangupWakes, proxyFromEnvironment, systemWakes, type Endpoint } from "@holdfast/net/node";
import { defineCommand, type Context } from "../command.ts";
import { Stop, openCommandControl, printEvents } from "../control.ts";
import { describeReconnect } from "../describe.ts";
import { describeDrain } from "../drain.ts";
import { EXIT, exitCodeOfEnd, type ExitCode } from "../exit-codes.ts";
import { findRunningRelay } from "../find-relay.ts";
import {
  drainOption,
  nameOption,
  outputOptions,
  policyOf,
  reconnectOptions,
  secretOptions,
} from "../options/flags.ts";
import { optional, type Values } from "../options/option.ts";
import { parsePortList, parseRelayUrl, parseTarget } from "../options/values.ts";
import { startShownRelay, type ShownRelay } from "../relay-process.ts";
import { readSecret } from "../secret.ts";
import { handleSignals } from "../signals.ts";
import { plural } from "../terminal/format.ts";
import { openShownTunnel, type ShownTunnel } from "../tunnel-process.ts";
import { usageError } from "../usage.ts";

const options = {
  relay: optional(
    {
      name: "relay",
      alias: "to",
      value: "<url>",
      description: "bore://host[:port]; else your running relay",
    },
    parseRelayUrl,
  ),
  port: optional(
    { name: "port", value: "<n,...>", description: "public port of each target; 0: any free one" },
    parsePortList,
  ),
  ...secretOptions,
  ...drainOption,
  ...nameOption,
  ...reconnectOptions,
  ...outputOptions,
} as const;

type ExposeValues = Values<typeof options>;

export const expose = defineCommand({
  name: "expose",
  summary: "give local ports an address on a relay",
  description:
    "Gives each target an address on a relay, and keeps it: TARGET is a port, host:port or unix:/path. Without\n" +
    "--relay it uses the relay that you run on this machine, or else starts one within itself. SIGHUP dials now\n" +
    "if the relay is away, and else makes sure that the link is alive; SIGTERM and Ctrl-C let open streams finish; a second one stops now.",
  usage: "<target...>",
  options,
  examples: [
    { line: "holdfast expose 3000", does: "port 3000 of this machine, on a relay within the command" },
    {
      line: "holdfast expose 3000 unix:/run/app.sock --relay bore://127.0.0.1 --port 8000,0",
      does: "two targets on a relay of yours, one at a port of your choice",
    },
  ],
  run,
});

interface Target {
  readonly text: string;
  readonly endpoint: Endpoint;
  readonly port: number;
}

async function run(context: Context, args: readonly string[], values: ExposeValues): Promise<ExitCode> {
  const { output } = context;
  const targets = targetsOf(args, values.port ?? []);
  const policy = policyOf(values);
  resolveConfig(policy);
  const secret = await readSecret(values, output);
  const given = values.relay ?? (await findRunningRelay(context));
  const name = values.name ?? `expose-${nameOf(targets[0]!.text)}`;
  const stop = new Stop();
  await using host = await openCommandControl(context, "expose", name);
  printEvents(host, output);
  const own = given === undefined ? await startOwnRelay(host, output, secret) : undefined;
  const url = given ?? parseRelayUrl(own!.url);
  output.detail(`relay: ${url.href}`);
  const announce = announceReady(targets.length, host, output);
  const tunnels = targets.map((target) =>
    openShownTunnel(host, {
      name: values.name ?? `expose-${nameOf(target.text)}`,
      relay: url,
      target: target.endpoint,
      port: target.port,
      secret,
      policy,
      drainTimeoutMs: values.drainTimeout,
      wakes: [systemWakes(), hangupWakes()],
      proxy: proxyFromEnvironment(url.host, { ...context.env }),
      output,
      prefix: targets.length === 1 ? "" : `${target.text}: `,
      onListening: announce,
    }),
  );
  handleSignals({
    drain: (signal) => stop.ask(signal),
    hangup: () => {
      for (const { entry } of tunnels)
        output.status(`SIGHUP: ${describeReconnect(entry().name, entry().state)}`);
    },
  });
  try {
    return await untilEnded(tunnels, targets, { stop, values, output });
  } finally {
    await Promise.all(tunnels.map(({ tunnel }) => tunnel.close()));
    await own?.relay.close();
  }
}

interface Ending {
  readonly stop: Stop;
  readonly values: ExposeValues;
  readonly output: Context["output"];
}

/** A target that is lost for good does not take the others with it; the worst end is the exit code. */
async function untilEnded(
  tunnels: readonly ShownTunnel[],
  targets: readonly Target[],
  { stop, values, output }: Ending,
): Promise<ExitCode> {
  void stop.asked.then((reason) => {
    const streams = plural(
      tunnels.reduce((sum, { tunnel }) => sum + tunnel.streams, 0),
      "open stream",
    );
    output.status(describeDrain(reason, streams, values.drainTimeout));
    for (const tunnel of tunnels) void tunnel.drain();
  });
  const codes = await Promise.all(
    tunnels.map(async ({ ended }, index) => {
      const reason = await ended;
      if (reason.code !== "closed") output.error(endError(targets[index]!.text, reason));
      return exitCodeOfEnd(reason);
    }),
  );
  return codes.reduce((worst, code) => (code > worst ? code : worst), EXIT.ok as ExitCode);
}

function endError(target: string, reason: Awaited<ShownTunnel["ended"]>): HoldfastError {
  const { error } = reason;
  const why = {
    failed: "",
    closed: "",
    replaced: "another instance has taken its place: ",
    gave_up: `gave up after ${plural(reason.failures, "failure")}: `,
    vetoed: "gave up: ",
    not_reconnecting: "not reconnecting, as told: ",
  }[reason.code];
  return new HoldfastError({
    code: error?.code ?? reason.code,
    message: `${target}: ${why}${error?.text ?? "the connection was lost"}`,
    kind: error?.kind ?? "transient",
    fault: error?.fault ?? "network",
    hint: error?.hint,
    cause: error,
  });
}

/** `ready` once, when every target has its address. */
function announceReady(targets: number, host: ControlHost, output: Context["output"]): () => void {
  let announced = false;
  return () => {
    const addresses = host
      .entries()
      .flatMap((entry) => (entry.type === "tunnel" ? (entry.public_endpoint ?? []) : []));
    if (announced || addresses.length < targets) return;
    announced = true;
    output.line({ type: "ready", addresses });
  };
}

function startOwnRelay(
  host: ControlHost,
  output: Context["output"],
  secret: string | undefined,
): Promise<ShownRelay> {
  output.status("no relay given and none running: using one within this command, for this machine only");
  return startShownRelay(host, { port: 0, secret }, { name: "relay", output });
}

function targetsOf(args: readonly string[], ports: readonly number[]): readonly Target[] {
  if (ports.length > args.length) {
    throw usageError(`--port names ${plural(ports.length, "port")} for ${plural(args.length, "target")}`);
  }
  return args.map((text, index) => ({ text, endpoint: endpointOf(text), port: ports[index] ?? 0 }));
}

function endpointOf(text: string): Endpoint {
  try {
    return parseTarget(text);
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    throw usageError(`target ${JSON.stringify(text)}: expected ${thrown.message}`);
  }
}

/** `3000`, `db.local:5432`, `/run/app.sock` as a part of a name. */
function nameOf(target: string): string {
  return target
    .replace(/^unix:.*\//, "")
    .replace(/^localhost:/, "")
    .replaceAll(/[^A-Za-z0-9._-]+/g, "-");
}
