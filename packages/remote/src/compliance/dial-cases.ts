// Dialling: that an abort ends it, with its reason, and that nothing stays behind.
import { HoldfastError } from "@holdfast/core";
import { systemClock } from "@holdfast/net";
import { recordAttempt } from "@holdfast/net/compliance";
import { UNATTENDED } from "../plugin/interaction.ts";
import type { Backend } from "../plugin/plugin.ts";
import { demand, sleep, soon, until } from "./demands.ts";
import { openBackend } from "./plugin-arena.ts";
import type { PluginArena } from "./plugin-arena.ts";
import type { DialCase } from "./plugin-case.ts";

const STOP: HoldfastError = new HoldfastError({ code: "stopped", message: "the dial was stopped" });
const ABORT_MS = 1_000;

/** Dial, abort after so many milliseconds, and see it settle. */
async function abortedDial(backend: Backend, afterMs: number): Promise<void> {
  const attempt = recordAttempt();
  let settledAt: number | undefined;
  const dial = backend.dial(attempt, UNATTENDED).then(
    // Success and abort may cross: then the line closes the link.
    (machine) => machine.close(),
    (error: unknown) => demand(error === STOP, `an aborted dial rejected with ${String(error)}`),
  );
  const settled = dial.finally(() => (settledAt = systemClock.mono()));
  settled.catch(() => undefined);
  if (afterMs > 0) await sleep(afterMs);
  const abortedAt = systemClock.mono();
  attempt.abort(STOP);
  await soon(settled, "an aborted dial");
  const tookMs = (settledAt ?? 0) - abortedAt;
  demand(tookMs <= ABORT_MS, `an aborted dial took ${tookMs} ms to end`);
  demand(attempt.losses.length === 0, "a dial that never gave a link reported a loss");
}

async function released(arena: PluginArena, before: number | undefined): Promise<void> {
  if (before === undefined) return;
  let now = Number.POSITIVE_INFINITY;
  const count = async (): Promise<void> => void (now = (await arena.openHandles?.()) ?? before);
  await until(() => (void count(), now <= before), "handles of aborted dials to be released");
}

export const dialCases: readonly DialCase[] = [
  {
    name: "a dial under an aborted signal rejects with its reason, without dialling",
    run: async (arena) => {
      const backend = await openBackend(arena);
      const before = await arena.openHandles?.();
      const attempt = recordAttempt();
      attempt.abort(STOP);
      const error = await soon(
        backend.dial(attempt, UNATTENDED).then(
          () => "a link",
          (reason: unknown) => reason,
        ),
        "a dial that was aborted before",
      );
      demand(error === STOP, `it gave ${String(error)}, not the reason`);
      await released(arena, before);
      await backend.dispose();
    },
  },
  {
    name: "an abort at any moment ends a dial within a second, and leaves nothing",
    run: async (arena) => {
      const backend = await openBackend(arena);
      const before = await arena.openHandles?.();
      for (const afterMs of [0, 1, 3, 10, 30, 100]) await abortedDial(backend, afterMs);
      await released(arena, before);
      await backend.dispose();
      await backend.dispose();
    },
  },
];
