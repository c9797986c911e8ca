// A status as people and programs see it: wall-clock times, and a way to tell whether anything changed.
import type { Status } from "@holdfast/core";
import type { WallTimes } from "./wall-times.ts";

/** The same status with times that people can read. */
export function showTimes(status: Status, times: WallTimes): Status {
  const since = times.note("since", status.since);
  const lastHeard = status.lastHeard === undefined ? undefined : times.note("heard", status.lastHeard);
  if (!("retryAt" in status)) return { ...status, since, lastHeard };
  const retryAt = times.project(status.retryAt);
  return { ...status, since, lastHeard, delayMs: Math.round(status.delayMs), retryAt };
}

/** `lastHeard` moves with every byte and the clock with every adjustment: neither is a change of status. */
export function sameStatus(a: Status, b: Status): boolean {
  return keyOf(a) === keyOf(b) && a.failure === b.failure;
}

function keyOf(status: Status): string {
  const { state, epoch, attempt, failures, draining } = status;
  const phase = "phase" in status ? status.phase : "";
  const delayMs = "delayMs" in status ? status.delayMs : "";
  return [state, phase, epoch, attempt, failures, draining, delayMs].join();
}
