// How a simulated world ends: in the calm everything arrives, then the sessions are drained; or they are lost, or
// closed at once, and what was begun anew has to arrive all the same.
import type { Runner } from "./runner.ts";
import type { SessionWorld } from "./session-world.ts";
import { checkDelivered, quiet, unfinished } from "./settled.ts";

/** Slow is not wrong: 1 KiB windows over round trips of seconds take their time. */
const PATIENCE_MS = 14_400_000;
const STEP_MS = 500;
const CALM_PATIENCE_MS = 120_000;
/** Both ends see that their links were cut, and dial. */
const MENDED_MS = 10_000;
const DRAIN_MS = 14_000_000;
/** Longer than any session is kept. */
const LONG_MS = 1_000_000;

export function finish(stage: SessionWorld): void {
  const { end } = stage.knobs;
  greet(stage);
  if (end === "lose" || end === "restart") lose(stage, end);
  if (end === "close") return close(stage);
  if (end === "drain under load") return drain(stage);
  calm(stage);
  deliver(stage);
  // The end is said on links that are new, and not so far that a drain gives its answer up.
  stage.network.cutAll();
  stage.world.runNow(stage.world.now + MENDED_MS);
  deliver(stage);
  drain(stage);
}

/** Where the storm never let a first handshake through, it takes a break. */
function greet(stage: SessionWorld): void {
  const greeted = (): boolean => stage.clients.every(({ runner }) => stage.apps.has(runner));
  if (greeted()) return;
  stage.network.stormy = false;
  until(stage, "no session ever began", LONG_MS, greeted);
  stage.network.stormy = true;
}

/** Nothing goes wrong any more; nobody opens streams. */
function calm(stage: SessionWorld): void {
  stage.world.note("calm");
  stage.network.stormy = false;
  stage.busy = false;
  for (const client of stage.clients) client.patienceMs = CALM_PATIENCE_MS;
  stage.server.patienceMs = CALM_PATIENCE_MS;
  for (const app of stage.apps.values()) app.finish();
}

function until(stage: SessionWorld, what: string, patienceMs: number, done: () => boolean): void {
  const { world } = stage;
  const deadline = world.now + patienceMs;
  while (!done()) {
    if (world.now >= deadline) world.fail("calm", `${what}, after ${patienceMs} ms: ${unfinished(stage)}`);
    world.runNow(world.now + STEP_MS);
  }
}

function deliver(stage: SessionWorld): void {
  until(stage, "not everything has arrived", PATIENCE_MS, () => quiet(stage));
  checkDelivered(stage);
  stage.checkPools();
}

/** The sessions of all clients, from the side that the seed says. */
function drain(stage: SessionWorld): void {
  const { world, knobs } = stage;
  const inStorm = knobs.end === "drain in the storm";
  const underLoad = knobs.end === "drain under load";
  const before = stage.ends.length;
  stage.busy = false;
  stage.mayEnd = (runner, end) =>
    end.reason === "closed" && (inStorm || end.clean || runner.session.end !== undefined);
  if (inStorm) stage.network.stormy = true;
  const drained =
    knobs.endBy === "client" ? stage.clients.map(({ runner }) => runner) : [...stage.server.runners];
  for (const client of stage.clients) client.renew = false;
  for (const app of stage.apps.values()) app.finish();
  if (underLoad) {
    calm(stage);
    stage.network.cutAll();
    // Whoever has nothing more to deliver gives up soon, and a dial over a slow network takes longer than that.
    const idle = drained.filter((runner) => runner.session.figures.openStreams === 0);
    if (idle.length > 0) world.runNow(world.now + MENDED_MS);
  }
  for (const runner of drained) begin(stage, runner, inStorm ? 30_000 : DRAIN_MS);
  const over = (): boolean => drained.every(({ end }) => end !== undefined);
  until(stage, "the drain does not end", PATIENCE_MS, over);
  if (inStorm) calm(stage);
  const all = (): boolean => drained.every((runner) => otherEnds(stage, runner));
  until(stage, "the other end does not end", LONG_MS, () => inStorm || all());
  world.runNow(world.now + 60_000);
  for (const { side, runner, end } of stage.ends.slice(before)) {
    if (runner.book?.broken === true) continue;
    // What the other end opened just before is not processed, so that its end may not be clean.
    const promised = !inStorm && (!underLoad || side === knobs.endBy);
    if (promised && !end.clean)
      world.fail("clean", `${side}: the end of a drain without a fault is not clean`);
    if (end.clean) checkClean(stage, runner);
  }
}

function begin(stage: SessionWorld, runner: Runner, timeoutMs: number): void {
  const app = stage.app(runner);
  app.book.goneAway[app.side] = true;
  app.book.drained[app.side] = true;
  runner.session.drain(timeoutMs, stage.world.now);
  runner.touched();
}

function otherEnds(stage: SessionWorld, runner: Runner): boolean {
  return stage.ends.filter((ended) => ended.runner.book === runner.book).length === 2;
}

/** An end that calls itself clean promises that everything was received, both ways. */
function checkClean(stage: SessionWorld, runner: Runner): void {
  const { book } = runner;
  if (book === undefined) return;
  for (const { id, ways, deeds } of book.streams.values()) {
    if (deeds.client.resetCode ?? deeds.server.resetCode ?? deeds.client.stopCode ?? deeds.server.stopCode)
      continue;
    for (const [side, way] of Object.entries(ways)) {
      if (way.ended && way.seen === "finished" && way.readBytes !== way.writtenBytes)
        stage.world.fail(
          "clean",
          `stream ${id} of the ${side}: ${way.readBytes} of ${way.writtenBytes} bytes`,
        );
    }
  }
}

/** The server forgets the sessions, by time or by a restart; the clients begin anew. */
function lose(stage: SessionWorld, how: "lose" | "restart"): void {
  const { world, network, server } = stage;
  const begunBefore = server.begun;
  for (const book of stage.books.values()) book.broken = true;
  stage.mayEnd = (runner) => runner.book?.broken === true;
  world.note(how);
  if (how === "restart") server.restart();
  network.down = true;
  network.cutAll();
  world.runNow(world.now + (how === "lose" ? LONG_MS : 5_000));
  network.down = false;
  stage.busy = true;
  network.stormy = false;
  until(stage, "no new session", LONG_MS, () => stage.clients.every(isAttachedAnew));
  if (server.begun - begunBefore !== stage.clients.length)
    world.fail("sessions", `${server.begun - begunBefore} new sessions for ${stage.clients.length} clients`);
  world.runNow(world.now + 5_000);
  stage.mayEnd = () => false;
}

function isAttachedAnew({ runner }: { readonly runner: Runner }): boolean {
  return runner.session.attached && runner.book?.broken === false;
}

/** Closed at once, under load: both ends know it, and nothing is taken for an orderly end. */
function close(stage: SessionWorld): void {
  const { world, knobs } = stage;
  for (const book of stage.books.values()) book.broken = true;
  stage.mayEnd = () => true;
  for (const client of stage.clients) client.renew = false;
  const closed =
    knobs.endBy === "client" ? stage.clients.map(({ runner }) => runner) : [...stage.server.runners];
  world.note("close");
  for (const runner of closed) {
    runner.session.close(0, "enough", world.now);
    runner.touched();
    if (runner.session.end === undefined && runner.end === undefined)
      world.note("the close waits for its answer");
  }
  calm(stage);
  until(stage, "the close does not end", LONG_MS, () => closed.every(({ end }) => end !== undefined));
  world.runNow(world.now + LONG_MS);
}
