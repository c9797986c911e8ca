// This command's line to the daemon: it starts one on first use, and again if it crashed.
import { openDaemonClient, type DaemonClient, type DaemonListener } from "@holdfast/remote/client";
import type { Context } from "../command.ts";
import { escapeText } from "../terminal/escape.ts";
import { needUnixSockets } from "../select.ts";
import { VERSION } from "../version.ts";
import { spawnDaemon } from "./spawn-daemon.ts";

export interface OpenDaemonOptions extends DaemonListener {
  /** `false`: none is started, and that none runs is the error `not_running`. Default `true`. */
  readonly start?: boolean;
  /** Say on stderr when the daemon is gone, and when it is back. Default `true`. */
  readonly narrate?: boolean;
}

/** @throws HoldfastError `usage` where there are no unix sockets. Everything later is what the client rejects with. */
export function openDaemonOf(
  context: Context,
  { start = true, narrate = true, ...listener }: OpenDaemonOptions = {},
): DaemonClient {
  needUnixSockets();
  const { output } = context;
  return openDaemonClient({
    ...listener,
    runtimeFolder: context.paths.runtimeFolder,
    version: VERSION,
    ...(start && { start: () => spawnDaemon(context) }),
    onAway: (failure) => {
      if (narrate)
        output.status(
          `[holdfast] ${escapeText(failure?.text ?? "the daemon is gone")}: waiting for the next one`,
        );
      listener.onAway?.(failure);
    },
    onBack: (control) => {
      if (narrate) output.status(`[holdfast] the daemon is back (process ${control.hello.pid})`);
      listener.onBack?.(control);
    },
  });
}
