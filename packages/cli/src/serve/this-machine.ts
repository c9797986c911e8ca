// The machine that a server offers: this one, by the plugin `host`, one link for each session.
import { hostPlugin, parseDestination, UNATTENDED, type Backend, type Machine } from "@holdfast/remote";
import type { Context } from "../command.ts";
import { escapeText } from "../terminal/escape.ts";

export interface OfferedMachine {
  /** A link to it. */
  readonly link: () => Promise<Machine>;
  /** End all links. Settles when everything that was started through them has ended. */
  close(): Promise<void>;
}

/** @throws HoldfastError if this machine cannot be offered. */
export async function offerThisMachine({ output, env }: Context): Promise<OfferedMachine> {
  const { HOME, PATH } = env;
  const backend: Backend = await hostPlugin().open(parseDestination("host://localhost"), {
    connectionId: "serve",
    environment: { HOME, PATH },
    options: {},
    memory: new Map(),
    wake: () => undefined,
    warn: (text) => output.warn(escapeText(text)),
  });
  return {
    link: () => backend.dial(anAttempt(), UNATTENDED),
    close: () => backend.dispose(),
  };
}

/** Links to this machine are not lost, so there is nothing to report. */
function anAttempt(): Parameters<Backend["dial"]>[0] {
  const nothing = (): void => undefined;
  return {
    signal: new AbortController().signal,
    attempt: 1,
    epoch: 1,
    credential: undefined,
    suspect: false,
    heard: nothing,
    lost: nothing,
    draining: nothing,
    progress: nothing,
  };
}
