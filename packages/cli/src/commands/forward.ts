// `holdfast forward`: a port here or on the other machine whose connections go over a connection of the daemon.
import type { ConnectionEntry, ForwardEntry, Request } from "@holdfast/control";
import type { DaemonClient } from "@holdfast/remote";
import { defineCommand, type Context } from "../command.ts";
import { Stop } from "../control.ts";
import { describeEntry, formatEndpoint } from "../describe.ts";
import { EXIT, exitCodeOfError, type ExitCode } from "../exit-codes.ts";
import { nameOption, outputOptions } from "../options/flags.ts";
import { flag, type Values } from "../options/option.ts";
import { chooseConnection } from "../remote/choose-connection.ts";
import { newKey } from "../remote/connect-to.ts";
import { closeForward, listForwards } from "../remote/forwards.ts";
import { looksLikeSpec, parseForwardSpec, type ForwardDirection } from "../remote/forward-spec.ts";
import { KeptForward } from "../remote/keep-forward.ts";
import { openDaemonOf } from "../remote/open-daemon.ts";
import { handleSignals } from "../signals.ts";
import { escapeText } from "../terminal/escape.ts";
import { plural } from "../terminal/format.ts";
import type { Output } from "../terminal/output.ts";
import { usageError } from "../usage.ts";

const options = {
  reverse: flag({
    name: "reverse",
    short: "R",
    description: "listen on the other machine, and lead to this one",
  }),
  dynamic: flag({ name: "dynamic", short: "D", description: "a SOCKS5 server here: [LISTEN:]PORT" }),
  background: flag({
    name: "background",
    description: "leave it to the daemon, which keeps it over restarts, and return",
  }),
  ...nameOption,
  ...outputOptions,
} as const;

type ForwardValues = Values<typeof options>;

export const forward = defineCommand({
  name: "forward",
  summary: "ports here and on another machine, over a connection",
  description:
    "Forwards [LISTEN:]PORT:HOST:PORT as ssh -L does, with -R as ssh -R, and with -D as ssh -D, over the connection\n" +
    "NAME (a name, id or destination; with one connection it may be left out). It listens on 127.0.0.1 unless LISTEN\n" +
    "says otherwise; port 0 is any free one; IPv6 addresses are in brackets. While the link is away its port stays\n" +
    "open, and new connections wait. In the foreground it ends with Ctrl-C, and SIGHUP makes its\n" +
    "connection dial now; with --background the daemon keeps it.\n" +
    "`forward list` shows all, `forward close ID` ends one.",
  usage: "<words...>",
  options,
  examples: [
    {
      line: "holdfast forward here 0:127.0.0.1:22",
      does: "a free port of this machine that leads to port 22 beyond the connection `here`",
    },
    {
      line: "holdfast forward here -D 0 --background --json",
      does: "a SOCKS5 server that the daemon keeps, as an object",
    },
  ],
  run,
});

function run(context: Context, args: readonly string[], values: ForwardValues): Promise<ExitCode> {
  if (args[0] === "list") return listForwards(context, args.slice(1));
  if (args[0] === "close") return closeForward(context, args.slice(1));
  return open(context, args, values);
}

async function open(context: Context, args: readonly string[], values: ForwardValues): Promise<ExitCode> {
  const direction = directionOf(values);
  const { name, spec } = wordsOf(args, direction);
  const { listen, target } = parseForwardSpec(spec, direction);
  await using client = disposable(openDaemonOf(context));
  const connection = await chooseConnection(context, client.it, name);
  const request: Extract<Request, { type: "forward" }> = {
    type: "forward",
    key: newKey(),
    connection: connection.id,
    direction,
    listen,
    kept: values.background,
    ...(target !== undefined && { target }),
    ...(values.name !== undefined && { name: values.name }),
  };
  const narrator = new Narrator(context.output, connection);
  const kept = new KeptForward(client.it, {
    request,
    onForward: (entry) => narrator.forward(entry),
    onConnection: (entry) => narrator.connection(entry),
    onPush: (push) => values.background || context.output.line(push),
  });
  return await (values.background ? leave(kept, narrator) : stay(context, kept, narrator));
}

async function leave(kept: KeptForward, narrator: Narrator): Promise<ExitCode> {
  try {
    narrator.announce(await kept.opened);
    return EXIT.ok;
  } catch (thrown) {
    await kept.close().catch(() => undefined);
    throw thrown;
  } finally {
    kept.stop();
  }
}

async function stay({ output }: Context, kept: KeptForward, narrator: Narrator): Promise<ExitCode> {
  const stop = new Stop();
  handleSignals({
    drain: (signal) => stop.ask(signal),
    hangup: () => void kept.reconnect().catch(() => undefined),
  });
  try {
    const first = await Promise.race([kept.opened, stop.asked]);
    if (typeof first !== "string") {
      narrator.announce(first);
      const end = await Promise.race([stop.asked, kept.ended]);
      if (end === undefined) output.status("it was closed");
      if (typeof end === "object") {
        output.error(end);
        return exitCodeOfError(end);
      }
    }
    return EXIT.ok;
  } finally {
    await kept.close().catch(() => undefined);
  }
}

/** Says where it listens, what it waits for, and who uses it. */
class Narrator {
  readonly #output: Output;
  readonly #server: string;
  readonly #id: number;
  #announced = "";
  #connectionSaid = "connected";
  #forwardSaid = "";

  constructor(output: Output, connection: ConnectionEntry) {
    this.#output = output;
    this.#server = connection.name;
    this.#id = connection.id;
    this.connection(connection);
  }

  announce(entry: ForwardEntry): void {
    const at = entry.listen === null ? "" : formatEndpoint(entry.listen);
    if (this.#announced === at && at !== "") return;
    this.#announced = at;
    const to = entry.target === null ? "where each client says" : formatEndpoint(entry.target);
    const text = `${at === "" ? "waiting for the connection" : `listening at ${at}`}: leads to ${to} by ${this.#server}`;
    this.#output.data(escapeText(text), entry);
    if (at !== "") this.#output.line({ type: "ready", addresses: [at] });
  }

  forward(entry: ForwardEntry): void {
    if (this.#announced !== "" && entry.listen !== null) this.announce(entry);
    const why = entry.state === "failed" && entry.failure !== null ? `: ${entry.failure.message}` : "";
    const waiting = entry.waiting === 0 ? "" : `, ${entry.waiting} of them waiting for the link`;
    const said = `${entry.state}, ${plural(entry.connections, "connection")}${waiting}${why}`;
    if (said !== this.#forwardSaid && this.#forwardSaid !== "") this.#output.status(escapeText(said));
    this.#forwardSaid = said;
  }

  /** `[holdfast] connection 7: reconnecting in 4.2 s (attempt 3): connection refused` */
  connection(entry: ConnectionEntry): void {
    const key = `${entry.state} ${entry.phase} ${entry.attempt}`;
    const said = entry.state === "connected" ? "connected" : key;
    // The dial itself is over before anybody has read of it.
    if (said === this.#connectionSaid || entry.phase === "dialing") return;
    this.#connectionSaid = said;
    this.#output.status(`[holdfast] connection ${this.#id}: ${describeEntry(entry, Date.now())}`);
  }
}

function directionOf({ reverse, dynamic }: ForwardValues): ForwardDirection {
  if (reverse && dynamic) throw usageError("-R and -D are two directions: give one of them");
  if (dynamic) return "dynamic";
  return reverse ? "reverse" : "local";
}

/** `NAME SPEC`, `SPEC`, and `SPEC NAME` as ssh has it. */
function wordsOf(
  args: readonly string[],
  direction: ForwardDirection,
): { readonly name: string | undefined; readonly spec: string } {
  const [one = "", other, ...rest] = args;
  if (rest.length > 0) throw usageError(`too many arguments: ${JSON.stringify(rest[0])} is one too many`);
  if (other === undefined) return { name: undefined, spec: one };
  const swapped = !looksLikeSpec(other, direction) && looksLikeSpec(one, direction);
  return swapped ? { name: other, spec: one } : { name: one, spec: other };
}

function disposable(client: DaemonClient): AsyncDisposable & { readonly it: DaemonClient } {
  return { it: client, [Symbol.asyncDispose]: () => client.close() };
}
