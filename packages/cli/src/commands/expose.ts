// `holdfast expose`: local ports get an address on a relay, and keep it.
import type { ControlHost } from "@holdfast/control";
import { HoldfastError, resolveConfig } from "@holdfast/core";
import { hangupWakes, systemWakes, type Endpoint } from "@holdfast/net/node";
import { defineCommand, type Context } from "../command.ts";
import { Stop, openCommandControl, printEvents } from "../control.ts";
import { describeReconnect } from "../describe.ts";
import { describeDrain } from "../drain.ts";
import { EXIT, exitCodeOfEnd, type ExitCode } from "../exit-codes.ts";
import { findRunningRelay } from "../relay/find-relay.ts";
import { otherDialect } from "../relay/other-dialect.ts";
import { startShownRelay, type ShownRelay } from "../relay/show-relay.ts";
import {
  drainOption,
  nameOption,
  outputOptions,
  policyOf,
  reconnectOptions,
  secretOptions,
  trustOptions,
} from "../options/flags.ts";
import { flag, optional, type Values } from "../options/option.ts";
import { parsePortList, parseRelayUrl, parseTarget, type RelayUrl } from "../options/values.ts";
import { readSecret } from "../secret.ts";
import { handleSignals } from "../signals.ts";
import { plural } from "../terminal/format.ts";
import { openViews } from "../tunnel/open-views.ts";
import { showTunnel, type ShownTunnel } from "../tunnel/show-tunnel.ts";
import type { TunnelView } from "../tunnel/tunnel-view.ts";
import { usageError } from "../usage.ts";

const options = {
  relay: optional(
    {
      name: "relay",
      alias: "to",
      value: "<url>",
      description: "holdfast://host[:port], wss://…, bore://…; else your running relay",
    },
    parseRelayUrl,
  ),
  port: optional(
    {
      name: "port",
      command: "expose",
      value: "<n,...>",
      description: "public port of each target; 0: any free one",
    },
    parsePortList,
  ),
  force: flag({ name: "force", description: "take the port even from a living program of yours" }),
  ...secretOptions,
  ...trustOptions,
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
    "--relay it uses the relay that you run on this machine, or else starts one within itself. Open streams go on over\n" +
    "any loss of the link; a program that is started again gets the same port. With bore:// it speaks to bore's relays,\n" +
    "where ports are nobody's. SIGHUP dials now if the relay is away, and else makes sure that the link is alive;\n" +
    "SIGTERM and Ctrl-C let open streams finish; a second one stops now.",
  usage: "<target...>",
  options,
  examples: [
    { line: "holdfast expose 3000", does: "port 3000 of this machine, on a relay within the command" },
    {
      line: "holdfast expose 3000 unix:/run/app.sock --relay holdfast://127.0.0.1 --port 8000,0",
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
  const views = await openViews(context, {
    url,
    targets: targets.map(({ endpoint, port }) => ({ target: endpoint, port, force: values.force })),
    secret,
    trust: values,
    policy: { ...policy, wakes: [systemWakes(), hangupWakes()] },
    onWarning: (text, index) => output.warn(`${prefixOf(targets, index)}${text}`),
  });
  if (views[0] !== undefined) void tellOfOtherDialect(views[0], url, output);
  const tunnels = views.map((view, index) =>
    showTunnel(host, view, {
      name: values.name ?? `expose-${nameOf(targets[index]!.text)}`,
      relay: url,
      drainTimeoutMs: values.drainTimeout,
      output,
      prefix: prefixOf(targets, index),
      onListening: announce,
    }),
  );
  handleSignals({
    drain: (signal) => stop.ask(signal),
    cut: () => {
      for (const { view } of tunnels) void view.close();
      void own?.relay.close();
    },
    hangup: () => {
      for (const { entry } of tunnels)
        output.status(`SIGHUP: ${describeReconnect(entry().name, entry().state)}`);
    },
  });
  try {
    return await untilEnded(tunnels, targets, { stop, values, output });
  } finally {
    await Promise.all(tunnels.map(({ view }) => view.close()));
    await own?.relay.close();
  }
}

/** Once, when the first try has failed. */
async function tellOfOtherDialect(view: TunnelView, url: RelayUrl, output: Context["output"]): Promise<void> {
  const other = otherDialect(url);
  if (other === undefined) return;
  for await (const { epoch, failure } of view.changes()) {
    if (epoch > 0) return;
    if (failure === undefined) continue;
    return output.warn(other.message, other.hint);
  }
}

function prefixOf(targets: readonly Target[], index: number): string {
  return targets.length === 1 ? "" : `${targets[index]?.text ?? ""}: `;
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
      tunnels.reduce((sum, { view }) => sum + view.streams, 0),
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
    replaced: "",
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
  return startShownRelay(host, { native: { port: 0, secret }, bore: undefined, name: "relay", output });
}

function targetsOf(args: readonly string[], ports: readonly number[]): readonly Target[] {
  if (ports.length > args.length) {
    throw usageError(`--port names ${plural(ports.length, "port")} for ${plural(args.length, "target")}`);
  }
  const fixed = ports.filter((port) => port !== 0);
  const twice = fixed.find((port, index) => fixed.indexOf(port) !== index);
  if (twice !== undefined) throw usageError(`--port names ${twice} twice`);
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
