import { expect, test } from "vitest";
import { VirtualClock } from "@holdfast/core/testing";
import type { Lease } from "./lease.ts";
import { decodeLeases, encodeLeases } from "./lease-file.ts";

const LEASE_MS = 900_000;
const NAMES = {
  owner: "0".repeat(32),
  instance: "f".repeat(32),
  label: "localhost:3000",
  generation: 4,
  from: "192.0.2.1",
};
const HELD: Lease = { state: "held", port: 1, ...NAMES, session: "s", bindId: 1, awaySince: 3 };
const KEPT: Lease = { state: "kept", port: 2, ...NAMES, until: 500, expected: true };
const GIVEN: Lease = { state: "kept", port: 3, ...NAMES, from: undefined, until: 700, expected: false };

/** The file is read by a process whose monotonic clock began elsewhere. */
function restart(clock: VirtualClock, later: number): VirtualClock {
  const next = new VirtualClock(clock.wall() + later - 77);
  next.advance(77);
  return next;
}

test("what was held is kept for a whole term from the restart, and what was kept until its end", () => {
  const clock = new VirtualClock();
  clock.advance(100);
  const text = encodeLeases([HELD, KEPT, GIVEN, { ...HELD, port: 4, owner: undefined }], clock);
  const next = restart(clock, 250);
  const leases = decodeLeases(text, next, LEASE_MS);
  expect(leases).toEqual([
    { state: "kept", port: 1, ...NAMES, until: 77 + LEASE_MS, expected: true },
    { state: "kept", port: 2, ...NAMES, until: 77 + 150, expected: true },
    { state: "kept", port: 3, ...NAMES, from: undefined, until: 77 + 350, expected: false },
  ]);
});

test("a clock that was set back makes no lease longer than a term", () => {
  const clock = new VirtualClock();
  const text = encodeLeases([KEPT], clock);
  const [lease] = decodeLeases(text, restart(clock, -10 * LEASE_MS), LEASE_MS);
  expect(lease?.until).toBe(77 + LEASE_MS);
});

test.each([
  "",
  "{}",
  '{"version":2,"leases":[]}',
  '{"version":1,"leases":[{}]}',
  `{"version":1,"leases":[{"port":0,"owner":"${NAMES.owner}","instance":"${NAMES.instance}","target":"","generation":1,"until":null,"expected":true}]}`,
  '{"version":1,"leases":[{"port":5,"owner":"../..","instance":"","target":"","generation":1,"until":null,"expected":true}]}',
])("%j is no file of leases", (text) => {
  expect(() => decodeLeases(text, new VirtualClock(), LEASE_MS)).toThrow();
});
