// How a host lets one session go in good order: no new streams, time for those that are open, everything delivered;
// then its client hears over which window to come back, and that this is the end.
import type { Clock } from "@holdfast/core";
import { CLOSE, KIND, RESET } from "@holdfast/core/session";
import type { HostedSession } from "./hosted-session.ts";

/** How long the last bytes may take to arrive, in milliseconds. */
const DELIVERY_MS = 5_000;

export async function retire(
  session: HostedSession,
  timeoutMs: number,
  reconnectWindowMs: number,
  clock: Clock,
): Promise<void> {
  session.closing = true;
  session.goAway(CLOSE.draining, timeoutMs);
  const streamsDone = (): boolean => session.figures.openStreams === 0;
  await turnsUntil(session, () => streamsDone() || isForsaken(session), timeoutMs, clock);
  for (const stream of session.streams()) stream.reset(RESET.timeout);
  const delivered = (): boolean => streamsDone() && session.attached && session.unackedBytes === 0;
  await turnsUntil(session, delivered, DELIVERY_MS, clock);
  if (session.end !== undefined) return;
  session.session.sendDetach(CLOSE.draining, reconnectWindowMs);
  // Out, before the end: nothing follows that.
  session.turn();
  await session.close(CLOSE.draining, "the relay is going away");
}

/** Its client is away, and nobody else is on it who could be waiting for the end of anything. */
function isForsaken(session: HostedSession): boolean {
  return !session.attached && [...session.streams()].every(({ kind }) => kind === KIND.control);
}

/** Settles when it is so, when the session has ended, or when the time is up. */
function turnsUntil(
  session: HostedSession,
  condition: () => boolean,
  timeoutMs: number,
  clock: Clock,
): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      timer.clear();
      session.onTurned = () => undefined;
      resolve();
    };
    const timer = clock.timer(done);
    const look = (): void => {
      if (condition() || session.end !== undefined) done();
    };
    timer.set(timeoutMs);
    session.onTurned = look;
    look();
  });
}
