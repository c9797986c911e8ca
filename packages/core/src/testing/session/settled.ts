// When a simulated world has come to rest, and what has to hold then.
import type { Runner } from "./runner.ts";
import { otherSide, type SessionBook, type Side, type StreamTruth } from "./book.ts";
import type { SessionWorld } from "./session-world.ts";

/** Everything that was said has arrived and was acknowledged, and nothing waits. */
export function quiet(stage: SessionWorld): boolean {
  return (
    stage.clients.every(({ runner }) => runner.session.attached) &&
    stage.runners.every((runner) => rests(stage, runner))
  );
}

function rests(stage: SessionWorld, runner: Runner): boolean {
  const app = stage.apps.get(runner);
  return app !== undefined && app.idle && runner.session.figures.unackedBytes === 0 && authAnswered(app.book);
}

function authAnswered({ authSerials }: SessionBook): boolean {
  return authSerials.answered === authSerials.asked;
}

/** Why it is not quiet, in words. */
export function unfinished(stage: SessionWorld): string {
  const parts = stage.runners.map((runner) => {
    const app = stage.apps.get(runner);
    const { session } = runner;
    const streams = (app?.unfinished ?? []).map(({ truth, stream }) => {
      const way = (side: Side): string =>
        `${truth.ways[side].readBytes}/${truth.ways[side].writtenBytes}${truth.ways[side].seen ?? ""}`;
      const ends = `${stream.sent?.type ?? "open"}/${stream.received?.type ?? "open"}`;
      return `${truth.id}(${way("client")} ${way("server")} ${ends} queued ${stream.queuedBytes})`;
    });
    const { unackedBytes } = session.figures;
    const auth =
      app === undefined ? "" : `auth ${app.book.authSerials.answered}/${app.book.authSerials.asked}`;
    return `${session.role} ${session.attached ? "attached" : "away"} ${JSON.stringify(session.position)} unacked ${unackedBytes} ${auth} streams ${streams.join(" ")}`;
  });
  return parts.join("; ");
}

/** All that was written was read, or there is a reason; no table holds what has ended. */
export function checkDelivered(stage: SessionWorld): void {
  const { world } = stage;
  for (const runner of stage.runners) {
    const left = [...runner.session.streams()].map(({ id }) => id);
    if (left.length > 0 || runner.session.figures.openStreams > 0)
      world.fail("table", `${runner.session.role}: streams ${left.join()} have ended and are still there`);
    const { book } = runner;
    if (book !== undefined) for (const truth of book.streams.values()) checkStream(stage, truth);
  }
  if (stage.server.acceptor.size !== stage.clients.length)
    world.fail(
      "sessions",
      `the server has ${stage.server.acceptor.size} of ${stage.clients.length} sessions`,
    );
}

function checkStream(stage: SessionWorld, truth: StreamTruth): void {
  const { id, opener, ways, deeds } = truth;
  const brokenOff = (side: Side): boolean =>
    deeds[side].resetCode !== undefined || deeds[side].stopCode !== undefined;
  if (brokenOff("client") || brokenOff("server")) return;
  if (!deeds[otherSide(opener)].known) {
    if (ways[otherSide(opener)].seen !== "reset")
      stage.world.fail("delivery", `stream ${id} never came, and its opener was not told`);
    return;
  }
  for (const side of ["client", "server"] as const) {
    const way = ways[side];
    if (way.seen === "finished" && way.readBytes === way.writtenBytes && way.ended) continue;
    stage.world.fail(
      "delivery",
      `stream ${id} of the ${side}: ${way.readBytes} of ${way.writtenBytes} bytes, ${way.seen}`,
    );
  }
}

/** At the very end: ended sessions want nothing, hold nothing, and their streams were all told. */
export function settleAll(stage: SessionWorld): void {
  const { world } = stage;
  for (const { side, runner } of stage.ends) {
    if (runner.session.nextTimeout() !== Infinity)
      world.fail("leak", `${side}: an ended session has a deadline`);
    if (runner.session.attached) world.fail("leak", `${side}: an ended session is attached`);
    const app = stage.app(runner);
    for (const { truth } of app.unfinished) {
      if (truth.deeds[side].known)
        world.fail("ends", `${side}: stream ${truth.id} was not told that the session is over`);
    }
  }
  for (const side of ["client", "server"] as const) {
    if (stage.runners.every(({ session }) => session.role !== side || session.end !== undefined))
      stage.checkPools([side]);
  }
}
