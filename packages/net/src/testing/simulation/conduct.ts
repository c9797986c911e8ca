// Whether what the engine just did was allowed: a dial that it begins, a link that it gives up, a wait that it
// announces.
import type { HoldfastError } from "@holdfast/core";
import { hintOf, jittered, scheduledRange, SUSPECT } from "./facts.ts";
import type { Cause, Ledger } from "./ledger.ts";

const GAP_MS = 100;
const BLIP_MS = 250;
export const LATE_MS = 1_000;
/** The driver passes the progress of data on no more often than this. */
const REPORTED_MS = 101;
/** Rounding of clocks. */
const EPSILON_MS = 0.01;

/** I1, I5, I8, I9, I10: may a dial begin now? */
export function judgeDial(ledger: Ledger): void {
  const { world, now, dialStarts } = ledger;
  if (ledger.ended || ledger.closedByUser) world.fail("I6", "a dial after the end");
  if (ledger.run?.state === "dialing" && !ledger.run.signal.aborted) world.fail("I1", "a second dial");
  if (ledger.link.current !== undefined) world.fail("I1", "a dial beside a link");
  const last = dialStarts.at(-1) ?? -Infinity;
  if (now - last < GAP_MS - EPSILON_MS) world.fail("I9", `two dials within ${now - last} ms`);
  const tenth = dialStarts.at(-10) ?? -Infinity;
  if (now - tenth < 10_000 - EPSILON_MS) world.fail("I9", `eleven dials within ${now - tenth} ms`);
  const byUser = ledger.userActedAt > -Infinity;
  if (now < ledger.notBefore - EPSILON_MS && !byUser) {
    world.fail("I8", `a dial ${ledger.notBefore - now} ms before the peer allows it`);
  }
  if (ledger.asksForPerson && !byUser) world.fail("I10", "a dial although a person has to answer first");
}

/** How long a doubted link has to show a sign of life. */
export function probeMs(ledger: Ledger): number {
  return ledger.pings ? 2_000 : (ledger.facts.heartbeat?.patienceMs ?? Infinity);
}

/** When silence was long enough. */
export function silentAt(ledger: Ledger): number {
  const { heartbeat } = ledger.facts;
  if (heartbeat === undefined) return Infinity;
  const idle = ledger.heardAt + heartbeat.timeoutMs;
  if (ledger.unacked === 0) return idle;
  return Math.min(idle, Math.max(ledger.heardAt, ledger.busySince) + heartbeat.busyTimeoutMs);
}

/** Rules 19 to 22: was there reason enough to give up this link? */
export function judgeHangUp(ledger: Ledger, failure: HoldfastError): void {
  const { world, now, facts, doubtAt, resumedAt } = ledger;
  switch (failure.code) {
    case "no_life": {
      const silent = silentAt(ledger);
      const probedFrom = Math.min(doubtAt ?? Infinity, ledger.stuckDoubtAt);
      const afterProbe = now >= probedFrom + probeMs(ledger) - 1;
      if (now < silent - 1 && !afterProbe) {
        world.fail("R19", `hung up after ${now - ledger.heardAt} ms of silence, ${silent - now} ms too soon`);
      }
      if (doubtAt === resumedAt && now < resumedAt + probeMs(ledger) - 1) {
        world.fail("R24", "a late timer judged the peer without asking it");
      }
      return;
    }
    case "no_progress": {
      const wanted = facts.heartbeat?.noProgressMs ?? Infinity;
      if (now - ledger.movedAt < wanted - REPORTED_MS)
        world.fail("R22", `gave up after ${now - ledger.movedAt} ms`);
      return;
    }
    case "address_gone":
      return;
    default: {
      const most = facts.heartbeat?.maxFailures ?? 0;
      const survives = ledger.link.current?.survivesPingFailure ?? false;
      const enough = !survives || (most > 0 && ledger.pingFailures >= most);
      if (ledger.pingFailures === 0 || !enough) world.fail("R21", `hung up because of ${failure.code}`);
    }
  }
}

/** Rules 1, 3, 4: is this wait as long as it may be? */
export function judgeWait(
  ledger: Ledger,
  plan: { readonly attempt: number; readonly failures: number; readonly delayMs: number },
): void {
  const { world, cause, facts, now } = ledger;
  if (cause === undefined) return world.fail("retry", "a wait that nothing led to");
  if (plan.failures !== ledger.failures) {
    world.fail("failures", `the wait counts ${plan.failures} failures, there were ${ledger.failures}`);
  }
  if (plan.attempt !== ledger.attempt + 1) world.fail("attempt", `attempt ${plan.attempt} is announced`);
  const [low, high] = expectedDelay(ledger, cause);
  // The pacing comes first, then the budget may cut the wait short, but never to less than the floor.
  const floorMs = Math.max(0, earliestDial(ledger.dialStarts) - now);
  const pacedMs = Math.max(0, earliestRetry(ledger.dialStarts) - now);
  const spentMs = Math.max(0, (ledger.lostAt ?? now) + facts.giveUpAfterMs - now);
  const hintMs = hintOf(cause.failure, facts) ?? 0;
  const least = Math.max(Math.min(Math.max(low, pacedMs), spentMs), hintMs, floorMs) - EPSILON_MS;
  const most = Math.max(Math.min(Math.max(high, pacedMs), spentMs), hintMs, floorMs) + EPSILON_MS;
  if (!(plan.delayMs >= least && plan.delayMs <= most)) {
    world.fail("delay", `waits ${plan.delayMs} ms after ${cause.failure.code}, allowed ${least} to ${most}`);
  }
  if (spreadIsLost(ledger, plan.delayMs, high) && pacedMs === 0 && spentMs > high) {
    world.fail("R1", `waits exactly the cap, ${high} ms: the jitter was applied before it`);
  }
}

function expectedDelay(ledger: Ledger, cause: Cause): readonly [number, number] {
  const { facts } = ledger;
  const { failure } = cause;
  const hintMs = hintOf(failure, facts);
  if (hintMs !== undefined) return [hintMs, hintMs + Math.min(hintMs / 10, 1_000)];
  if (cause.first && facts.firstRetry === "at_once") return [0, 0];
  if (cause.first && facts.firstRetry === "spread") return [0, firstWindow(ledger, cause)];
  if (!cause.first && SUSPECT.has(failure.code)) return jittered(facts.jitter, facts.maxMs, facts.maxMs);
  const index = facts.firstRetry === "spread" ? Math.max(0, ledger.failures - 1) : ledger.drawn;
  ledger.drawn += 1;
  return scheduledRange(facts, index, ledger.refusals);
}

function firstWindow({ facts }: Ledger, { failure, drained, windowMs }: Cause): number {
  if (failure.fault !== "peer") return BLIP_MS;
  if (drained?.windowMs !== undefined) return Math.min(drained.windowMs, facts.maxRetryAfterMs);
  return Math.min(windowMs ?? BLIP_MS, facts.maxWindowMs);
}

function earliestDial(starts: readonly number[]): number {
  return Math.max((starts.at(-1) ?? -Infinity) + GAP_MS, (starts.at(-10) ?? -Infinity) + 10_000);
}

/** After four dials within ten seconds, the other six are spread over what is left of them. */
function earliestRetry(starts: readonly number[]): number {
  const last = starts.at(-1) ?? -Infinity;
  const within = starts.slice(-10).filter((at) => last - at < 10_000);
  const first = within[0] ?? last;
  const spread = within.length < 5 ? -Infinity : last + (first + 10_000 - last) / (11 - within.length);
  return Math.max(earliestDial(starts), spread);
}

/** A random delay is never exactly at its bound. */
function spreadIsLost({ facts }: Ledger, delayMs: number, highMs: number): boolean {
  const { jitter } = facts;
  const strict = jitter.kind === "none" || (jitter.kind === "additive" && jitter.beforeCap === true);
  return !strict && highMs > 1 && delayMs === highMs;
}
