// `holdfast daemon run`: the daemon itself, in the foreground, or in the background with a log file.
import { HoldfastError } from "@holdfast/core";
import { systemWakes } from "@holdfast/net/node";
import { openDaemon, type Daemon, type DaemonLog } from "@holdfast/remote";
import type { Context } from "../command.ts";
import { printEvents, Stop } from "../control.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { handleSignals } from "../signals.ts";
import { escapeText } from "../terminal/escape.ts";
import { VERSION } from "../version.ts";
import { pluginsOf } from "./plugins.ts";

export async function runDaemon(context: Context, logFile: string | undefined): Promise<ExitCode> {
  const { output, paths } = context;
  const log = await openLog(context, logFile);
  const stop = new Stop();
  let daemon: Daemon | undefined;
  // From the start, so that one that is told to stop while it begins ends in order, too.
  handleSignals({ drain: (signal) => stop.ask(signal), hangup: () => reconnectAll(daemon, log) });
  try {
    daemon = await openDaemon({
      plugins: pluginsOf(context),
      runtimeFolder: paths.runtimeFolder,
      stateFolder: paths.stateFolder,
      version: VERSION,
      wakes: [systemWakes()],
      log: log.write,
      ...(logFile !== undefined && { logFile }),
    });
    printEvents(daemon.control, output);
    const addresses = daemon.control.socketPath === undefined ? [] : [daemon.control.socketPath];
    output.data(`the daemon runs (process ${process.pid})`, { type: "ready", addresses });
    const reason = await Promise.race([stop.asked, daemon.ended]);
    output.status(reason === undefined ? "stopped" : `${reason}: ending in order`);
    await daemon.close();
    return EXIT.ok;
  } catch (thrown) {
    const failure = HoldfastError.from(thrown);
    // Of those that were started in the background at once, one stays; the others have nothing to complain of.
    if (failure.code === "already_running" && logFile !== undefined) return EXIT.ok;
    throw failure;
  } finally {
    log.close();
  }
}

interface Log {
  readonly write: (record: DaemonLog) => void;
  readonly close: () => void;
}

/** To the file, or before the eyes of whoever runs it. */
async function openLog({ output }: Context, logFile: string | undefined): Promise<Log> {
  if (logFile === undefined) {
    const write = ({ level, event, name, message = event }: DaemonLog): void => {
      const text = escapeText(`${name === undefined ? "" : `${name}: `}${message}`);
      if (level === "debug") output.detail(text);
      else if (level === "info") output.status(text);
      else output.warn(text);
    };
    return { write, close: () => undefined };
  }
  const { openDaemonLog } = await import("./daemon-log.ts");
  const file = openDaemonLog(logFile);
  return { write: (record) => file.write(record), close: () => file.close() };
}

function reconnectAll(daemon: Daemon | undefined, log: Log): void {
  log.write({ level: "info", event: "reconnect_all", message: "SIGHUP: every connection dials now" });
  daemon?.reconnectAll();
}
