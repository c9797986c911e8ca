import { expect, test } from "vitest";
import { VirtualClock } from "@holdfast/core/testing";
import { Admission, limitKey, type AddressLimits } from "./admission.ts";

const ADDRESS = "192.0.2.1";

const LIMITS: AddressLimits = {
  connectionsPerAddress: 100,
  unauthenticatedPerAddress: 20,
  failedAuthenticationsPerMinute: 10,
  clientsPerAddress: 100,
  addresses: 65_536,
  handshakes: 4_096,
};

function start(limits: Partial<AddressLimits> = {}) {
  const clock = new VirtualClock();
  return { clock, admission: new Admission({ ...LIMITS, ...limits }, clock) };
}

function admitted(admission: Admission, tries: number, address = ADDRESS): number {
  let count = 0;
  for (let i = 0; i < tries; i += 1) if (admission.handshakeBegins(address)) count += 1;
  return count;
}

test("20 connections of one address may be unauthenticated, and others are not their business", () => {
  const { admission } = start();
  expect(admitted(admission, 50)).toBe(20);
  expect(admitted(admission, 1, "192.0.2.2")).toBe(1);
  admission.handshakeDone(ADDRESS);
  expect(admitted(admission, 5)).toBe(1);
});

test("each visitor that waits for a client lets one connection more in", () => {
  const { admission } = start({ unauthenticatedPerAddress: 2 });
  expect(admitted(admission, 5)).toBe(2);
  for (let i = 0; i < 3; i += 1) admission.visitorWaits(ADDRESS);
  expect(admitted(admission, 5)).toBe(3);
  admission.visitorDone(ADDRESS);
  admission.handshakeDone(ADDRESS);
  expect(admitted(admission, 5)).toBe(0);
});

test("clients count towards the connections of an address", () => {
  const { admission } = start({ connectionsPerAddress: 3, clientsPerAddress: 2 });
  expect(admission.clientStays(ADDRESS)).toBe(true);
  expect(admission.clientStays(ADDRESS)).toBe(true);
  expect(admission.clientStays(ADDRESS)).toBe(false);
  expect(admitted(admission, 5)).toBe(1);
  admission.clientLeaves(ADDRESS);
  expect(admission.clientStays(ADDRESS)).toBe(true);
});

test("ten wrong secrets a minute, then the address is not heard until the minute is over", () => {
  const { admission, clock } = start();
  for (let i = 0; i < 10; i += 1) {
    expect(admitted(admission, 1)).toBe(1);
    admission.authenticationFailed(ADDRESS);
    admission.handshakeDone(ADDRESS);
  }
  expect(admitted(admission, 1)).toBe(0);
  clock.advance(59_999);
  expect(admitted(admission, 1)).toBe(0);
  clock.advance(1);
  expect(admitted(admission, 1)).toBe(1);
});

test("connections in all, and addresses that are remembered, are bounded", () => {
  const { admission } = start({ handshakes: 3 });
  expect(admitted(admission, 2)).toBe(2);
  expect(admitted(admission, 5, "192.0.2.2")).toBe(1);
  const { admission: forgetful } = start({ addresses: 2 });
  expect(["a", "b", "c"].map((address) => admitted(forgetful, 1, address))).toEqual([1, 1, 0]);
  forgetful.handshakeDone("a");
  expect(admitted(forgetful, 1, "c")).toBe(1);
});

test("a table full of addresses that failed is emptied when their minute is over", () => {
  const { admission, clock } = start({ addresses: 3 });
  for (const address of ["a", "b", "c"]) {
    expect(admitted(admission, 1, address)).toBe(1);
    admission.authenticationFailed(address);
    admission.handshakeDone(address);
  }
  expect(admitted(admission, 1, "d")).toBe(0);
  clock.advance(60_000);
  expect(admitted(admission, 1, "d")).toBe(1);
});

test.each([
  ["192.0.2.1", "192.0.2.1"],
  ["::ffff:192.0.2.1", "192.0.2.1"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:db8:1:2::9", "2001:db8:1:2::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  [undefined, "unknown"],
])("limits of %s go by %s", (address, key) => {
  expect(limitKey(address)).toBe(key);
});
