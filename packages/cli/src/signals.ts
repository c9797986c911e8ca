// The signals of a long-running command. SIGTERM and the first Ctrl-C drain; the second stops now. SIGHUP is the
// command's own (reconnect, reload), unless it is how the terminal says that it is gone.
import { closeSync, openSync } from "node:fs";
import { EXIT } from "./exit-codes.ts";

/** A terminal that is being hung up may still open for a moment, so it is looked at again. */
const SECOND_LOOK_MS = 250;

export interface SignalHandlers {
  /** Take no new work and finish what runs. */
  drain(reason: string): void;
  hangup(): void;
  /** Cut what runs, at once: the process ends in the next moment. */
  cut?(): void;
}

/** What the second signal leaves for saying goodbye, in milliseconds. */
const LAST_WORDS_MS = 100;

/**
 * Listen to signals until the process ends: one that comes while the last things are being closed must not kill it
 * in the middle of that.
 */
export function handleSignals(handlers: SignalHandlers): void {
  let asked = false;
  let timer: NodeJS.Timeout | undefined;
  const hadTerminal = isAttached() && terminalOpens();
  const cut = (): void => {
    // What is open must be reset: a process that just ends lets the system end it as if it were complete.
    handlers.cut?.();
    process.once("exit", () => (process.exitCode = EXIT.interrupted));
    setTimeout(() => process.exit(EXIT.interrupted), handlers.cut === undefined ? 0 : LAST_WORDS_MS);
  };
  const stop = (signal: NodeJS.Signals): void => {
    if (asked) return cut();
    asked = true;
    handlers.drain(signal);
  };
  const stopIfTerminalIsGone = (): boolean => {
    if (!hadTerminal || terminalOpens()) return false;
    if (!asked) stop("SIGHUP");
    return true;
  };
  const hangup = (): void => {
    if (stopIfTerminalIsGone()) return;
    handlers.hangup();
    clearTimeout(timer);
    timer = setTimeout(stopIfTerminalIsGone, SECOND_LOOK_MS);
    timer.unref();
  };
  process.on("SIGINT", stop).on("SIGTERM", stop).on("SIGHUP", hangup);
}

/**
 * Started with some of its streams on a terminal. Node undoes what `nohup` did to SIGHUP, but nohup has also moved
 * all three streams off the terminal: whoever did that wants the command to outlive it.
 */
function isAttached(): boolean {
  return process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
}

function terminalOpens(): boolean {
  try {
    closeSync(openSync("/dev/tty", "r"));
    return true;
  } catch {
    return false;
  }
}
