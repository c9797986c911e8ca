// The machine that a server offers: this one, by the plugin `host`, one link for each session.
import { hostPlugin, parseDestination, UNATTENDED, type Backend, type Machine } from "@holdfast/remote";
import type { Context } from "../command.ts";
import { escapeText } from "../terminal/escape.ts";

/** @throws HoldfastError if this machine cannot be offered. */
export async function offerThisMachine({ output, env }: Context): Promise<() => Promise<Machine>> {
  const { HOME, PATH } = env;
  const backend: Backend = await hostPlugin().open(parseDestination("host://localhost"), {
    connectionId: "serve",
    environment: { HOME, PATH },
    options: {},
    memory: new Map(),
    wake: () => undefined,
    warn: (text) => output.warn(escapeText(text)),
  });
  return () => backend.dial(anAttempt(), UNATTENDED);
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
