// Who gets a port that has a holder when somebody else asks for it: a reducer. The bore protocol has no owner
// and no answer to a heartbeat, so the only question that a holder answers is a visitor that never was (the
// probe). It costs the holder a connection to its service, hence the rules that keep probes rare.
import type { Instant } from "@holdfast/core";

export const PROBE_RULES = {
  /** Signs of life no older than this count as an answer. */
  evidenceMs: 5_000,
  /** No probe for this long after one that was answered. */
  restMs: 10_000,
  /** The second probe begins at least this long after the first one failed. */
  betweenProbesMs: 1_000,
  /** A failed probe is forgotten after this; the next newcomer begins anew. */
  markMs: 120_000,
} as const;

/** What is remembered of a port's holder. */
export interface Holder {
  readonly probing: boolean;
  /** When it last answered a probe. */
  readonly answeredAt: Instant | undefined;
  /** The mark: when the first of two probes failed. */
  readonly failedAt: Instant | undefined;
}

export const UNKNOWN_HOLDER: Holder = { probing: false, answeredAt: undefined, failedAt: undefined };

export type ConflictInput =
  /** Somebody else asks for the port; `evidenceAt` is when the holder was last seen to do anything. */
  | { readonly type: "newcomer"; readonly evidenceAt: Instant | undefined }
  /** The holder answered a probe, however late. */
  | { readonly type: "answered" }
  /** The holder took a visitor: as good as an answer to a probe that is under way, but it asks for no rest. */
  | { readonly type: "seen" }
  /** The probe that was under way was not answered in time. */
  | { readonly type: "failed" };

/**
 * - `in_use`: the newcomers are refused.
 * - `probe`: ask the holder; the newcomer waits.
 * - `share`: the newcomer waits for the probe that is under way.
 * - `free`: the holder is gone; a newcomer gets the port.
 * - `none`: nobody is to be told anything.
 */
export type Verdict = "in_use" | "probe" | "share" | "free" | "none";

export function judge(holder: Holder, input: ConflictInput, now: Instant): readonly [Holder, Verdict] {
  switch (input.type) {
    case "newcomer":
      return newcomer(holder, input.evidenceAt, now);
    case "answered":
      return [{ probing: false, answeredAt: now, failedAt: undefined }, holder.probing ? "in_use" : "none"];
    case "seen":
      return [{ ...holder, probing: false, failedAt: undefined }, holder.probing ? "in_use" : "none"];
    case "failed":
      return failed(holder, now);
  }
}

function newcomer(holder: Holder, evidenceAt: Instant | undefined, now: Instant): readonly [Holder, Verdict] {
  if (within(evidenceAt, PROBE_RULES.evidenceMs, now)) return [{ ...holder, failedAt: undefined }, "in_use"];
  if (holder.probing) return [holder, "share"];
  if (within(holder.answeredAt, PROBE_RULES.restMs, now)) return [holder, "in_use"];
  if (within(holder.failedAt, PROBE_RULES.betweenProbesMs, now)) return [holder, "in_use"];
  return [{ ...holder, probing: true }, "probe"];
}

function failed(holder: Holder, now: Instant): readonly [Holder, Verdict] {
  if (!holder.probing) return [holder, "none"];
  if (within(holder.failedAt, PROBE_RULES.markMs, now)) return [UNKNOWN_HOLDER, "free"];
  return [{ ...holder, probing: false, failedAt: now }, "in_use"];
}

function within(at: Instant | undefined, periodMs: number, now: Instant): boolean {
  return at !== undefined && now - at < periodMs;
}
