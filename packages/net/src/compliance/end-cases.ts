// The end of a link: who is told, how often, and that nothing is left.
import { HoldfastError } from "@holdfast/core";
import type { ByteChannel } from "./arena.ts";
import { pairUp, readAll } from "./byte-cases.ts";
import { demand, settle, soon, until } from "./demands.ts";
import { recordAttempt } from "./recorded-attempt.ts";
import type { ArenaCase } from "./transport.ts";

export const endCases: readonly ArenaCase[] = [
  {
    name: "an end by the peer is reported once, as the peer's doing, after its last byte was read",
    run: async (arena) => {
      const { attempt, near, far, link } = await pairUp(arena);
      await far.send(Buffer.from("last words"));
      far.end();
      demand(String(await readAll(near)) === "last words", "the last bytes were not received");
      await until(() => attempt.losses.length > 0, "the loss to be reported");
      demandPeersDoing(attempt.losses[0]);
      await settle();
      demand(attempt.losses.length === 1, `the loss was reported ${attempt.losses.length} times`);
      link.close();
    },
  },
  {
    name: "a reset by the peer is reported once, as the peer's doing",
    run: async (arena) => {
      const { attempt, near, far, link } = await pairUp(arena);
      const reading = drain(near);
      far.reset();
      await until(() => attempt.losses.length > 0, "the loss to be reported");
      demandPeersDoing(attempt.losses[0]);
      await soon(reading, "the reader to be told");
      await settle();
      demand(attempt.losses.length === 1, `the loss was reported ${attempt.losses.length} times`);
      link.close();
    },
  },
  {
    name: "close acts at once, may be called again, and the peer sees it",
    run: async (arena) => {
      const { link, far } = await pairUp(arena);
      link.close();
      link.close(new HoldfastError({ code: "closed", message: "again" }));
      await soon(drain(far), "the peer to see the close");
    },
  },
  {
    name: "nothing is reported after close, whatever the peer does",
    run: async (arena) => {
      const { attempt, link, near, far } = await pairUp(arena);
      void drain(near);
      link.close();
      const heardBefore = attempt.heardCount;
      await far.send(Buffer.from("too late")).catch(() => undefined);
      far.reset();
      await settle();
      demand(attempt.heardCount === heardBefore, "bytes were reported after close");
      demand(attempt.losses.length === 0, "a loss was reported after close");
    },
  },
  {
    name: "no handle is left of links that were closed, lost or never used",
    needs: "release",
    run: async (arena) => {
      const before = arena.openHandles();
      const used = await pairUp(arena);
      await used.near.send(Buffer.from("x"));
      used.link.close();
      const lost = await pairUp(arena);
      void drain(lost.near);
      lost.far.reset();
      await until(() => lost.attempt.losses.length > 0, "the loss to be reported");
      lost.link.close();
      const unused = await soon(arena.dial(recordAttempt()), "the dial");
      unused.close();
      await until(() => arena.openHandles() === before, "all handles to be released");
    },
  },
];

/** Read until it is over, one way or the other. */
async function drain(channel: ByteChannel): Promise<void> {
  try {
    while ((await channel.receive()) !== undefined);
  } catch {
    // Broken is over, too.
  }
}

function demandPeersDoing(cause: unknown): void {
  if (cause === undefined) return;
  demand(cause instanceof HoldfastError, `the cause of a loss is ${String(cause)}`);
  demand(cause.fault === "peer", `the peer's end is put down to the ${cause.fault}: ${cause.message}`);
}
