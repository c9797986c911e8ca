// `holdfast daemon`: the process that keeps connections, and whether it runs.
import type { ControlClient } from "@holdfast/control";
import { HoldfastError } from "@holdfast/core";
import { findDaemon } from "@holdfast/remote/client";
import { defineCommand, type Context } from "../command.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { outputOptions } from "../options/flags.ts";
import { flag, optional, withDefault, type Values } from "../options/option.ts";
import { parsePositiveCount, parseText } from "../options/values.ts";
import { openDaemonOf } from "../remote/open-daemon.ts";
import { runDaemon } from "../remote/run-daemon.ts";
import { showLog } from "../remote/show-log.ts";
import { daemonLogFile } from "../remote/spawn-daemon.ts";
import { stopDaemon } from "../remote/stop-daemon.ts";
import { needUnixSockets } from "../select.ts";
import { handleSignals } from "../signals.ts";
import { didYouMean, usageError } from "../usage.ts";
import { inFull } from "./status.ts";

const options = {
  follow: flag({ name: "follow", short: "f", description: "of logs: go on with what comes" }),
  lines: withDefault(
    { name: "lines", value: "<n>", description: "of logs: how many lines", shownDefault: "100" },
    parsePositiveCount,
  ),
  logFile: optional(
    { name: "log-file", value: "<file>", description: "of run: write what happens to this file" },
    parseText,
  ),
  ...outputOptions,
} as const;

type DaemonValues = Values<typeof options>;

export const daemon = defineCommand({
  name: "daemon",
  summary: "the process that keeps connections: start it, stop it, look at its log",
  description:
    "ACTION is run, start, stop, restart, status or logs. The daemon is started by itself when a command needs it, and\n" +
    "again if it crashed; all that is kept comes back. `run` runs it in the foreground: SIGHUP makes every connection\n" +
    "dial now, SIGTERM and Ctrl-C end it in order. `stop` waits until its process is gone; `restart` keeps the\n" +
    "connections and forwards; `logs -f` follows its log; `status` fails if none runs.",
  usage: "<action>",
  options,
  examples: [
    { line: "holdfast daemon start", does: "in the background, ready when this returns" },
    { line: "holdfast daemon restart --json", does: "with all that it keeps, as an object" },
  ],
  run,
});

type Action = (context: Context, values: DaemonValues) => Promise<ExitCode>;

const ACTIONS: Readonly<Record<string, Action>> = {
  run: (context, { logFile }) => runDaemon(context, logFile),
  start,
  stop,
  restart,
  status,
  logs,
};

function run(context: Context, args: readonly string[], values: DaemonValues): Promise<ExitCode> {
  needUnixSockets();
  const [name = ""] = args;
  const action = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  const names = Object.keys(ACTIONS);
  if (action === undefined) {
    throw usageError(
      `the daemon has no action ${name}, only ${names.join(", ")}`,
      didYouMean(name, names) ?? "holdfast daemon --help",
    );
  }
  return action(context, values);
}

async function start(context: Context): Promise<ExitCode> {
  const running = await find(context);
  running?.close();
  const client = openDaemonOf(context);
  try {
    const control = await client.control();
    const said = running === undefined ? "started" : "already running";
    await tell(context, control, said);
    return EXIT.ok;
  } finally {
    await client.close();
  }
}

async function stop(context: Context): Promise<ExitCode> {
  const running = await find(context);
  if (running === undefined) {
    context.output.status("the daemon is not running");
    return EXIT.ok;
  }
  const { pid } = running.hello;
  await stopDaemon(running);
  context.output.data(`the daemon (process ${pid}) is stopped`, { type: "daemon_stopped", pid });
  return EXIT.ok;
}

async function restart(context: Context): Promise<ExitCode> {
  const running = await find(context);
  if (running !== undefined) await stopDaemon(running);
  const client = openDaemonOf(context);
  try {
    await tell(context, await client.control(), running === undefined ? "started" : "restarted");
    return EXIT.ok;
  } finally {
    await client.close();
  }
}

async function status(context: Context): Promise<ExitCode> {
  const running = await find(context);
  if (running === undefined) throw notRunning();
  try {
    for (const entry of await running.list()) {
      if (entry.type !== "daemon") continue;
      const version = `  version     ${running.hello.version}`;
      context.output.data([...inFull(entry, Date.now()), version].join("\n"), entry);
    }
    return EXIT.ok;
  } finally {
    running.close();
  }
}

async function logs(context: Context, { follow, lines }: DaemonValues): Promise<ExitCode> {
  const { output, paths } = context;
  const path = daemonLogFile(paths);
  const over = new AbortController();
  if (follow) {
    handleSignals({ drain: () => over.abort(), hangup: () => undefined });
    void output.broken.then(() => over.abort());
  }
  const found = await showLog({ path, output, lines, follow: follow ? over.signal : undefined });
  if (!found) output.status(`there is no log yet: ${path}`);
  return EXIT.ok;
}

/** Of any version. */
function find({ paths }: Context): Promise<ControlClient | undefined> {
  return findDaemon(paths.runtimeFolder);
}

async function tell({ output }: Context, control: ControlClient, said: string): Promise<void> {
  const entry = (await control.list()).find(({ type }) => type === "daemon");
  if (entry?.type !== "daemon") return;
  output.data(`the daemon is ${said} (process ${entry.pid})`, entry);
}

function notRunning(): HoldfastError {
  return new HoldfastError({
    code: "not_running",
    message: "the daemon is not running",
    kind: "fatal",
    fault: "local",
    hint: "it is started when a command needs it, or by holdfast daemon start",
  });
}
