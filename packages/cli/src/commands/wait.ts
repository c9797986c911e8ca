// `holdfast wait`: block until something is connected, or stands as asked. It need not run yet.
import { findProcesses, watchProcesses, type ControlClient, type Entry, type Push } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";
import { defineCommand, type Context } from "../command.ts";
import { Stop } from "../control.ts";
import { describeEntry, isLine } from "../describe.ts";
import { entriesOfPush, removedBy } from "../entries-of-push.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { outputOptions } from "../options/flags.ts";
import { optional, withDefault, type Values } from "../options/option.ts";
import { parseDuration, parseState, type WantedState } from "../options/values.ts";
import { DaemonKeeper } from "../remote/keep-daemon.ts";
import { describeSilent, isMeant, needUnixSockets, selectSilent } from "../select.ts";
import { handleSignals } from "../signals.ts";
import { escapeText } from "../terminal/escape.ts";
import { formatDuration } from "../terminal/format.ts";

const NOT_RUNNING = "it is not running";
/** How long a process may take to answer, once the wait is over without it. */
const SILENCE_MS = 250;

const options = {
  for: withDefault(
    { name: "for", value: "<state>", description: "the state to wait for", shownDefault: "connected" },
    parseState,
  ),
  timeout: optional(
    { name: "timeout", value: "<time>", description: "fail after so long (never)" },
    parseDuration,
  ),
  ...outputOptions,
} as const;

export const wait = defineCommand({
  name: "wait",
  summary: "wait until something is connected",
  description:
    "Waits for a name, id or target to be in a state; it need not run yet. A relay, server or forward counts\n" +
    "as connected while it listens. A daemon that crashes meanwhile is started again. Something that has ended counts as disconnected.",
  usage: "<name>",
  options,
  examples: [
    {
      line: "holdfast wait expose-3000 --timeout 30s",
      does: "until the tunnel is there, at most 30 seconds",
    },
    { line: "holdfast wait expose-3000 --for reconnecting", does: "until it is away" },
  ],
  run,
});

async function run(
  context: Context,
  args: readonly string[],
  values: Values<typeof options>,
): Promise<ExitCode> {
  needUnixSockets();
  const { output } = context;
  const wanted = args[0]!;
  const stop = new Stop();
  let last = NOT_RUNNING;
  const standing = (known: string): Promise<string> => orSilent(context, wanted, known);
  let found: Entry | undefined;
  const seen = new Set<string>();
  const gone = (keys: readonly string[]): void => {
    if (!keys.some((key) => seen.delete(key))) return;
    last = "it has ended";
    if (values.for === "disconnected") stop.ask("found");
  };
  const keeper = new DaemonKeeper(context);
  const onPush = (push: Push, client: ControlClient): void => {
    keeper.hear(push, client);
    for (const entry of entriesOfPush(push)) {
      if (!isMeant(entry, wanted)) continue;
      seen.add(`${entry.pid}/${entry.id}`);
      last = describeEntry(entry, Date.now());
      if (!fits(entry, values.for)) continue;
      found ??= entry;
      stop.ask("found");
    }
    gone([`${client.hello.pid}/${removedBy(push)}`]);
  };
  const watcher = watchProcesses({
    runtimeFolder: context.paths.runtimeFolder,
    onPush,
    onGone: (client) => {
      const keys = [...seen].filter((key) => key.startsWith(`${client.hello.pid}/`));
      // What a daemon kept has not ended with it: it comes back with the next one.
      if (!keeper.hasCrashed(client)) return gone(keys);
      for (const key of keys) seen.delete(key);
      last = "its daemon is being started again";
    },
    onError: (error) => {
      output.error(error);
      stop.ask("error");
    },
  });
  handleSignals({ drain: (signal) => stop.ask(signal), hangup: () => undefined });
  const timer =
    values.timeout === undefined ? undefined : setTimeout(() => stop.ask("timeout"), values.timeout);
  await watcher.started;
  if (stop.reason === undefined)
    output.status(`waiting for ${escapeText(wanted)} to be ${values.for}: ${await standing(last)}`);
  const reason = await stop.asked;
  clearTimeout(timer);
  watcher.close();
  await keeper.close();
  if (reason === "timeout") throw timedOut(wanted, values, await standing(last));
  if (reason === "error") return EXIT.failed;
  // A script must not go on as if the wait had been over.
  if (reason !== "found") return EXIT.failed;
  if (found !== undefined)
    output.data(`${escapeText(found.name)}: ${describeEntry(found, Date.now())}`, found);
  return EXIT.ok;
}

/** A process that is stopped looks like none to those who wait for what it says. */
async function orSilent(context: Context, wanted: string, known: string): Promise<string> {
  if (known !== NOT_RUNNING) return known;
  const { clients, silent } = await findProcesses(context.paths.runtimeFolder, { timeoutMs: SILENCE_MS });
  for (const client of clients) client.close();
  const mute = selectSilent(silent, wanted);
  return mute === undefined ? known : describeSilent(mute);
}

/** What listens, or runs, is there as much as what is connected. */
function fits(entry: Entry, state: WantedState): boolean {
  if (isLine(entry)) return entry.state === state;
  return state === "connected" && (entry.state === "listening" || entry.state === "running");
}

function timedOut(wanted: string, values: Values<typeof options>, last: string): HoldfastError {
  return new HoldfastError({
    code: "timed_out",
    message: `${wanted} was not ${values.for} within ${formatDuration(values.timeout ?? 0)}: ${last}`,
    fault: "local",
    hint: "holdfast status shows how it stands",
  });
}
