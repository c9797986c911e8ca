// Whether a line had reason enough to end, and the reason that it gives.
import type { EndReason } from "@holdfast/core";
import { SUSPECT, type Ledger } from "./ledger.ts";

export function judgeEnd(ledger: Ledger, reason: EndReason): void {
  const { world } = ledger;
  const objection = objectionTo(ledger, reason);
  if (objection !== undefined) world.fail("end", `${reason.code}, although ${objection}`);
  if (reason.code !== "closed" && reason.error === undefined)
    world.fail("I5", `${reason.code} without an error`);
}

function objectionTo(ledger: Ledger, reason: EndReason): string | undefined {
  const { cause, facts } = ledger;
  switch (reason.code) {
    case "closed":
      return ledger.closedByUser ? undefined : "nobody closed it";
    case "replaced":
      return cause?.failure.code === "replaced" ? undefined : "nobody replaced it";
    case "vetoed":
      return ledger.vetoed ? undefined : "the hook did not say so";
    case "not_reconnecting":
      return facts.reconnect ? "it may reconnect" : undefined;
    case "gave_up":
      return objectionToGivingUp(ledger);
    case "failed":
      return objectionToFailing(ledger);
  }
}

function objectionToGivingUp({
  facts,
  failures,
  lostAt,
  now,
  wokenAt,
  dialStarts,
}: Ledger): string | undefined {
  if (failures >= facts.maxAttempts) return undefined;
  if (now < (lostAt ?? now) + facts.giveUpAfterMs - 1) return "neither attempts nor time have run out";
  const lastDial = dialStarts.at(-1) ?? -Infinity;
  return wokenAt > lastDial ? "no dial was made since the wake" : undefined;
}

function objectionToFailing(ledger: Ledger): string | undefined {
  const { cause, facts, provider } = ledger;
  if (cause === undefined) return "nothing failed";
  const { failure, run } = cause;
  if (ledger.failsFast && ledger.opens === 0) return undefined;
  if (failure.kind === "fatal") {
    // Said by the engine itself: a peer's own refusal is not fatal.
    if (failure.code === "token_refused") {
      return ledger.sameTokenAgain ? undefined : "the provider gave another credential than the refused one";
    }
    const excused = SUSPECT.has(failure.code) && cause.opensBefore > 0 && !facts.strictIdentity;
    return excused ? "it had been connected to the true peer" : undefined;
  }
  if (failure.kind !== "unauthorized" || failure.prompt !== undefined) return `${failure.code} is not fatal`;
  if (provider !== "function" || run.fetchedBecause !== undefined) return undefined;
  return "the refused credential was not fetched because of a refusal";
}
