// Signals that this command gets, passed on to the process on the other machine, which then decides.
import type { Process } from "@holdfast/remote";

type Name = "INT" | "TERM" | "HUP" | "QUIT";
const NAMES: readonly Name[] = ["INT", "TERM", "HUP", "QUIT"];
/** Whoever asks as often as this is not asking any more. */
const MOST = 3;
/** How long a program may take to end after its terminal was hung up, in milliseconds. */
const HANG_UP_MS = 2_000;

export interface PassedSignalsOptions {
  readonly process: Pick<Process, "signal">;
  /** It has a terminal: a signal that ends this command is its hang-up. */
  readonly terminal: boolean;
  /** The process is not to be waited for any longer, because of this signal. */
  readonly giveUp: (name: string) => void;
}

/** Pass signals on until the returned function is called. */
export function passSignals({ process: far, terminal, giveUp }: PassedSignalsOptions): () => void {
  /** One for each signal: how often it came. */
  const seen = new Map<Name, number>();
  let timer: NodeJS.Timeout | undefined;
  const pass = (name: Name): void => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    if (count >= MOST) return giveUp(name);
    const hungUp = terminal && (name === "TERM" || name === "HUP");
    // Some machines have no signals for their processes: then the end of the channel has to do.
    far.signal(hungUp ? "HUP" : name).catch(() => giveUp(name));
    if (hungUp) timer ??= setTimeout(() => giveUp(name), HANG_UP_MS);
  };
  const listeners = NAMES.map((name) => [`SIG${name}`, () => pass(name)] as const);
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return () => {
    clearTimeout(timer);
    // Until the process ends, one more of them must not kill it in the middle of that.
    for (const [signal, listener] of listeners) process.on(signal, () => undefined).off(signal, listener);
  };
}
