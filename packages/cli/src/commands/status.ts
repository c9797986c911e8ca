// `holdfast status`: how things stand in full, once or for as long as somebody watches.
import { watchProcesses, type ControlClient, type Entry, type Push } from "@holdfast/control";
import { defineCommand, type Context } from "../command.ts";
import { Stop } from "../control.ts";
import { describeEntry, describeLastHeard, isLine } from "../describe.ts";
import { entriesOfPush, removedBy } from "../entries-of-push.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { outputOptions } from "../options/flags.ts";
import { flag, type Values } from "../options/option.ts";
import { detailsOf } from "../remote/details.ts";
import { DaemonKeeper } from "../remote/keep-daemon.ts";
import { destinationOf, idOf, isMeant, needUnixSockets, selectEntry, withEntries } from "../select.ts";
import { handleSignals } from "../signals.ts";
import { escapeText } from "../terminal/escape.ts";
import { formatDuration, plural } from "../terminal/format.ts";
import { LiveView } from "../terminal/live-view.ts";

const DRAW_MS = 200;
const REFRESH_MS = 1_000;

const options = {
  watch: flag({ name: "watch", description: "go on showing it until interrupted" }),
  ...outputOptions,
} as const;

export const status = defineCommand({
  name: "status",
  summary: "how things stand, in full",
  description: "Shows one entry, or all: state, reason, next retry, when the peer was last heard.",
  usage: "[name]",
  options,
  examples: [
    { line: "holdfast status", does: "everything that runs" },
    { line: "holdfast status expose-3000 --json", does: "one tunnel, as an object" },
  ],
  run,
});

async function run(
  context: Context,
  args: readonly string[],
  values: Values<typeof options>,
): Promise<ExitCode> {
  needUnixSockets();
  if (values.watch) return watch(context, args[0]);
  return withEntries(context, async (listed, silent) => {
    const chosen = args[0] === undefined ? listed : [selectEntry(listed, args[0], silent)];
    if (chosen.length === 0 && silent.length === 0) context.output.status("nothing is running");
    for (const { client, entry } of chosen) {
      const full = await client.status(entry.id);
      context.output.data(inFull(full, Date.now()).join("\n"), full);
    }
    // Of the silent ones nobody knows how they stand.
    return args[0] === undefined && silent.length > 0 ? EXIT.failed : EXIT.ok;
  });
}

/** An entry in several lines. */
export function inFull(entry: Entry, now: number): string[] {
  const rows: [string, string][] = [["state", describeEntry(entry, now)]];
  if (entry.type === "tunnel") {
    rows.push(
      ["target", entry.target],
      ["relay", entry.relay],
      ["public", entry.public_endpoint ?? "none yet"],
    );
    rows.push(["streams", String(entry.streams)]);
  } else rows.push(["where", destinationOf(entry)]);
  rows.push(...detailsOf(entry));
  if (entry.type === "relay") {
    for (const address of entry.addresses.slice(1)) rows.push(["also", address]);
    rows.push(["secret", entry.secret_required ? "required" : "none"]);
    for (const tunnel of entry.tunnel_list ?? []) {
      const age = formatDuration(Math.max(0, now - Date.parse(tunnel.since)));
      rows.push([
        `port ${tunnel.port}`,
        `${tunnel.remote_address}${tunnel.away ? " (away)" : ""}, ${tunnel.dialect}, ` +
          `${plural(tunnel.streams, "stream")}, for ${age}`,
      ]);
    }
  }
  if (entry.type === "server") {
    for (const address of entry.addresses.slice(1)) rows.push(["also", address]);
    rows.push(["secret", entry.secret_required ? "required" : "none"]);
    if (entry.authorized_keys !== null) rows.push(["keys", `${entry.authorized_keys} authorized`]);
  }
  if (isLine(entry)) {
    rows.push(["last heard", describeLastHeard(entry, now)], ["links", String(entry.epoch)]);
  }
  rows.push(["since", entry.since], ["id", idOf(entry)]);
  const lines = rows.map(([key, value]) => `  ${key.padEnd(11)} ${escapeText(value)}`);
  return [`${escapeText(entry.name)} (${entry.type})`, ...lines];
}

async function watch(context: Context, wanted: string | undefined): Promise<ExitCode> {
  const { output } = context;
  const shown = new Map<string, Entry>();
  const clients = new Map<string, ControlClient>();
  const view = output.isInteractive ? new LiveView(process.stdout) : undefined;
  const draw = (): void => view?.draw(linesOf([...shown.values()]));
  const stop = new Stop();
  const keeper = new DaemonKeeper(context, { narrate: view === undefined });
  const watcher = watchProcesses({
    runtimeFolder: context.paths.runtimeFolder,
    onError: (error) => {
      output.error(error);
      stop.ask("error");
    },
    onPush: (push, client) => {
      keeper.hear(push, client);
      for (const [key, entry] of changesOf(push, client.hello.pid, shown)) {
        if (entry === undefined) shown.delete(key);
        else if (wanted === undefined || isMeant(entry, wanted)) {
          shown.set(key, entry);
          clients.set(key, client);
          if (view === undefined) output.data(inFull(entry, Date.now()).join("\n"), entry);
        }
      }
      draw();
    },
    onGone: (client) => {
      for (const [key, entry] of shown) if (entry.pid === client.hello.pid) shown.delete(key);
      draw();
    },
  });
  handleSignals({ drain: (signal) => stop.ask(signal), hangup: draw });
  const timer = setInterval(draw, DRAW_MS);
  const refreshing = view && setInterval(() => void refresh(shown, clients), REFRESH_MS);
  await watcher.started;
  draw();
  const reason = await Promise.race([stop.asked, output.broken]);
  clearInterval(timer);
  clearInterval(refreshing);
  watcher.close();
  await keeper.close();
  view?.close();
  return reason === "error" ? EXIT.failed : EXIT.ok;
}

/** Signs of life are no events, so what is shown is asked for again. What a push said meanwhile is newer. */
async function refresh(shown: Map<string, Entry>, clients: Map<string, ControlClient>): Promise<void> {
  for (const key of clients.keys()) if (!shown.has(key)) clients.delete(key);
  await Promise.all(
    [...shown].map(async ([key, entry]) => {
      // A process that ends meanwhile is told of by the watch.
      const now = await clients
        .get(key)
        ?.status(entry.id)
        .catch(() => undefined);
      if (now !== undefined && shown.get(key) === entry) shown.set(key, now);
    }),
  );
}

function linesOf(entries: readonly Entry[]): string[] {
  const now = Date.now();
  return entries.length === 0
    ? ["nothing is running"]
    : entries.flatMap((entry) => [...inFull(entry, now), ""]);
}

/** What a push says about entries: there and new, or gone. */
function changesOf(
  push: Push,
  pid: number,
  shown: ReadonlyMap<string, Entry>,
): [string, Entry | undefined][] {
  if (push.type === "snapshot") {
    const there = push.entries.map((entry): [string, Entry] => [`${pid}/${entry.id}`, entry]);
    const keys = new Set(there.map(([key]) => key));
    const gone = [...shown.keys()].filter((key) => key.startsWith(`${pid}/`) && !keys.has(key));
    return [...gone.map((key): [string, undefined] => [key, undefined]), ...there];
  }
  const removed = removedBy(push);
  if (removed !== undefined) return [[`${pid}/${removed}`, undefined]];
  return entriesOfPush(push).map((entry) => [`${pid}/${entry.id}`, entry]);
}
