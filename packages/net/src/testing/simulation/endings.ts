// Whether a line had reason enough to end, and the reason that it gives.
import type { EndReason } from "@holdfast/core";
import { LATE_MS } from "./conduct.ts";
import { SUSPECT } from "./facts.ts";
import type { Ledger } from "./ledger.ts";

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

function objectionToGivingUp(ledger: Ledger): string | undefined {
  const { facts, failures, now, wokenAt, resumedAt, cause } = ledger;
  if (failures >= facts.maxAttempts) return undefined;
  const spentAt = (ledger.lostAt ?? now) + facts.giveUpAfterMs;
  if (now < spentAt - 1) return "neither attempts nor time have run out";
  const lastDial = ledger.dialStarts.at(-1) ?? -Infinity;
  if (wokenAt > lastDial) return "no dial was made since the wake";
  const asleep = (cause?.at ?? now) < resumedAt - 1 && resumedAt > spentAt + LATE_MS + 60;
  return asleep ? "the time ran out while nobody ran" : undefined;
}

function objectionToFailing(ledger: Ledger): string | undefined {
  const { cause, facts, provider } = ledger;
  if (cause === undefined) return "nothing failed";
  const { failure, run } = cause;
  if (failure.code === "replaced") return "it was replaced";
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
