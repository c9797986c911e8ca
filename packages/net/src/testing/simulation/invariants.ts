// The invariants, checked after every step of the world.
import type { Status } from "@holdfast/core";
import { SUSPECT } from "./facts.ts";
import type { Ledger } from "./ledger.ts";
import { probeMs, silentAt } from "./conduct.ts";

const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** The driver and the world round to milliseconds, and a late timer yields once. */
const SLACK_MS = 60;

export interface Observed {
  readonly status: Status;
  /** Whether the line shows a link. */
  readonly linked: boolean;
  /** When this wait was first seen, on the machine's monotonic clock. */
  readonly waitingSince: number;
}

export function checkInvariants(ledger: Ledger, observed: Observed): void {
  const { host } = ledger;
  // A process that does not run cannot report.
  if (!host.running) return;
  const { status } = observed;
  checkOneOfEach(ledger, status);
  checkEpoch(ledger, observed);
  checkCounts(ledger, status);
  switch (status.state) {
    case "connected":
      return checkLiveness(ledger);
    case "connecting":
    case "reconnecting":
      if (status.phase === "waiting") checkWaiting(ledger, status.delayMs, observed.waitingSince);
      else checkDialing(ledger);
      return;
    case "auth_required":
      if (!ledger.asksForPerson) ledger.world.fail("I10", "auth_required, and nobody asked");
      return;
    case "disconnected":
      return;
  }
}

/** I1, and I6 as far as links and dials go. */
function checkOneOfEach({ world, host, link, run }: Ledger, status: Status): void {
  if (host.armed > 1) world.fail("I1", `${host.armed} timers are armed`);
  const dials = run?.state === "dialing" && !run.signal.aborted ? 1 : 0;
  if (link.live.size + dials > 1) world.fail("I1", `${link.live.size} links and ${dials} dials at once`);
  const busy = host.armed + link.live.size + dials;
  if (status.state === "disconnected" && busy > 0) world.fail("I6", "something is left after the end");
}

/** I3: the epoch is the number of links, and `connected` means that there is one. */
function checkEpoch({ world, opens, link }: Ledger, { status, linked }: Observed): void {
  if (status.epoch !== opens) world.fail("I3", `epoch ${status.epoch} with ${opens} links so far`);
  const up = link.current !== undefined;
  const connected = status.state === "connected";
  if (connected !== up) world.fail("I3", `${status.state}, and there is ${up ? "a" : "no"} link`);
  if (connected !== linked)
    world.fail("I3", `${status.state}, and the line shows ${linked ? "a" : "no"} link`);
}

/** Rules 2 and 6: what is counted. */
function checkCounts(ledger: Ledger, status: Status): void {
  const { world, now, openedAt, facts } = ledger;
  if (status.state === "connected") {
    const stableAt = openedAt + facts.stableAfterMs;
    if (now >= stableAt) ledger.reset();
    if (now >= stableAt && now < Math.max(stableAt, ledger.resumedAt) + SLACK_MS) return;
  }
  if (status.state !== "disconnected" && status.failures !== ledger.failures) {
    world.fail("failures", `${status.failures} failures are shown, there were ${ledger.failures}`);
  }
}

/** I2, and rules 6, 21, 22. */
function checkLiveness(ledger: Ledger): void {
  const { world, now, facts, doubtAt, resumedAt } = ledger;
  const { heartbeat } = facts;
  if (heartbeat === undefined) return;
  const waits = probeMs(ledger);
  if (ledger.watched) {
    const probeEnds = Math.max(doubtAt === undefined ? -Infinity : doubtAt + waits, lateProbe(ledger, waits));
    const limit = Math.max(silentAt(ledger), probeEnds, resumedAt) + SLACK_MS;
    if (now > limit) world.fail("I2", `connected ${now - ledger.heardAt} ms after the last sign of life`);
    const doubted = doubtAt !== undefined && now > Math.max(doubtAt + waits, resumedAt) + SLACK_MS;
    if (doubted) world.fail("R6", "a wake did not find out whether the link is alive");
  }
  const stuckFrom = Math.max(ledger.movedAt, resumedAt);
  if (ledger.unacked > 0 && now > stuckFrom + heartbeat.noProgressMs + waits + SLACK_MS) {
    world.fail("R22", `no data moved for ${now - ledger.movedAt} ms`);
  }
  const { survivesPingFailure } = ledger.link.current ?? { survivesPingFailure: false };
  const most = survivesPingFailure ? heartbeat.maxFailures : 1;
  if (most > 0 && ledger.pingFailures >= most) world.fail("R21", `${ledger.pingFailures} failed pings`);
}

function lateProbe({ resumedAt, heardAt }: Ledger, waits: number): number {
  return resumedAt > heardAt ? resumedAt + waits : -Infinity;
}

/** I4, I8, and the failures that must not be retried. */
function checkWaiting(ledger: Ledger, delayMs: number, since: number): void {
  const { world } = ledger;
  if (!(delayMs <= LONGEST_TIMER_MS)) world.fail("I4", `the next dial is in ${delayMs} ms`);
  const overdueMs = ledger.now - Math.max(since + delayMs, ledger.resumedAt);
  if (overdueMs > SLACK_MS) world.fail("I11", `the next dial is ${overdueMs} ms overdue`);
  if (ledger.host.armed !== 1) world.fail("I11", "waits without a timer");
  const why = mustEnd(ledger);
  if (why !== undefined) world.fail("end", `goes on although ${why}`);
}

function mustEnd({ cause, facts, failures, opens, provider }: Ledger): string | undefined {
  if (cause === undefined) return undefined;
  const { failure, run } = cause;
  if (failure.code === "replaced") return "it was replaced";
  const excused = SUSPECT.has(failure.code) && opens > 0 && !facts.strictIdentity;
  if (failure.kind === "fatal" && !excused) return `${failure.code} is fatal`;
  if (!facts.reconnect) return "it was told not to reconnect";
  // Whoever asked a person has answered for this attempt.
  if (failure.prompt !== undefined) return undefined;
  if (failures >= facts.maxAttempts) return `${failures} attempts failed`;
  if (failure.kind !== "unauthorized") return undefined;
  if (provider !== "function") return "the only credential was refused";
  if (run.fetchedBecause !== undefined) return "a fresh credential was refused";
  return undefined;
}

/** I7. */
function checkDialing({ world, now, run, facts, resumedAt }: Ledger): void {
  if (run === undefined) return;
  const limit = Math.max(run.startedAt + facts.dialTimeoutMs, resumedAt) + SLACK_MS;
  if (run.state === "dialing" && run.unfetched) world.fail("R11", "the provider threw, and the dial goes on");
  if (run.state === "dialing" && now > limit) world.fail("I7", `dialing for ${now - run.startedAt} ms`);
}
