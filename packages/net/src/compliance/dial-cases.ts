// Dialling: success, refusal, silence and cancellation, and that nothing stays behind.
import { HoldfastError } from "@holdfast/core";
import { demand, rejection, soon, until } from "./demands.ts";
import { recordAttempt } from "./recorded-attempt.ts";
import type { ArenaCase } from "./transport.ts";

const STOP: HoldfastError = new HoldfastError({ code: "stopped", message: "the dial was stopped" });

export const dialCases: readonly ArenaCase[] = [
  {
    name: "connects, and reports nothing before anything happens",
    run: async (arena) => {
      const attempt = recordAttempt();
      const link = await soon(arena.dial(attempt), "the dial");
      await soon(arena.accept(), "the peer");
      demand(attempt.losses.length === 0, "a link that is up was reported lost");
      link.close();
    },
  },
  {
    name: "a refused dial rejects with a transient error",
    run: async (arena) => {
      const before = arena.openHandles();
      const error = await rejection(arena.refused(recordAttempt()), "a refused dial");
      demand(error instanceof HoldfastError, `a refused dial rejected with ${String(error)}`);
      demand(error.kind === "transient", `a refused dial is ${error.kind}, not transient`);
      await until(() => arena.openHandles() === before, "handles of a refused dial to be released");
    },
  },
  {
    name: "a dial that nobody answers ends at the abort, with its reason",
    needs: "silence",
    run: async (arena) => {
      demand(arena.silent !== undefined, "the arena has no silent peer");
      const dialSilence = await arena.silent();
      const before = arena.openHandles();
      const attempt = recordAttempt();
      const dial = dialSilence(attempt);
      const first = await Promise.race([
        dial.then(() => "answered"),
        new Promise((go) => setTimeout(go, 50)),
      ]);
      demand(first === undefined, "the silent peer answered");
      attempt.abort(STOP);
      const error = await rejection(dial, "an aborted dial");
      demand(error === STOP, `an aborted dial rejected with ${String(error)}, not with the reason`);
      await until(() => arena.openHandles() === before, "handles of an aborted dial to be released");
    },
  },
  {
    name: "a dial under an aborted signal rejects without dialling",
    run: async (arena) => {
      const before = arena.openHandles();
      const attempt = recordAttempt();
      attempt.abort(STOP);
      const error = await rejection(arena.dial(attempt), "a dial that was aborted before");
      demand(error === STOP, `it rejected with ${String(error)}, not with the reason`);
      demand(arena.openHandles() === before, "it opened something");
    },
  },
  {
    name: "aborts at any moment of a dial leak nothing",
    run: async (arena) => {
      const before = arena.openHandles();
      const dials = Array.from({ length: 40 }, async (_, i) => {
        const attempt = recordAttempt();
        const dial = arena.dial(attempt);
        if (i % 4 === 1) queueMicrotask(() => attempt.abort(STOP));
        else if (i % 4 === 2) setImmediate(() => attempt.abort(STOP));
        else if (i % 4 === 3) setTimeout(() => attempt.abort(STOP), i / 8);
        else attempt.abort(STOP);
        // Success and abort may cross: then the line closes the link.
        const link = await dial.catch(() => undefined);
        link?.close();
      });
      await soon(Promise.all(dials), "aborted dials");
      await until(() => arena.openHandles() === before, "handles of aborted dials to be released");
    },
  },
];
