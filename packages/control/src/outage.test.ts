import type { Status } from "@holdfast/core";
import { expect, test } from "vitest";
import { NO_OUTAGE, trackOutage, type Outage } from "./outage.ts";

const base = {
  attempt: 0,
  failures: 0,
  lastHeard: undefined,
  failure: undefined,
  draining: false,
  epoch: 0,
  since: 0,
};

function outagesOf(statuses: readonly Status[]): Outage[] {
  let tracker = NO_OUTAGE;
  return statuses.flatMap((status) => {
    const step = trackOutage(tracker, status);
    tracker = step.tracker;
    return step.outage === undefined ? [] : [step.outage];
  });
}

test("away runs from the loss to the next connected, notice from the last byte to the loss", () => {
  const statuses: Status[] = [
    { ...base, state: "connecting", phase: "dialing", attempt: 1 },
    { ...base, state: "connected", epoch: 1, since: 1_000, lastHeard: 9_000 },
    {
      ...base,
      state: "reconnecting",
      phase: "waiting",
      attempt: 1,
      epoch: 1,
      since: 13_000,
      lastHeard: 10_000,
      delayMs: 1,
      retryAt: 1,
    },
    {
      ...base,
      state: "reconnecting",
      phase: "dialing",
      attempt: 1,
      epoch: 1,
      since: 13_100,
      lastHeard: 10_000,
    },
    {
      ...base,
      state: "reconnecting",
      phase: "dialing",
      attempt: 7,
      epoch: 1,
      since: 54_000,
      lastHeard: 10_000,
    },
    { ...base, state: "connected", epoch: 2, since: 55_100, lastHeard: 55_100 },
  ];
  expect(outagesOf(statuses)).toEqual([
    { awayMs: 42_100, noticedAfterMs: 3_000, attempts: 7, lostAt: 13_000 },
  ]);
});

test("an outage that nobody saw shows in the epoch", () => {
  const statuses: Status[] = [
    { ...base, state: "connected", epoch: 1, since: 0, lastHeard: 500 },
    { ...base, state: "connected", epoch: 1, since: 0, lastHeard: 1_000 },
    { ...base, state: "connected", epoch: 3, since: 1_200, lastHeard: 1_300 },
  ];
  expect(outagesOf(statuses)).toEqual([
    { awayMs: 200, noticedAfterMs: undefined, attempts: 1, lostAt: 1_000 },
  ]);
});
