import { describe, expect, test } from "vitest";
import { judgeBind, leaseExpired, stepLease, type Claimant, type HeldLease, type Lease } from "./lease.ts";

const PORT = 9_000;
const LEASE_MS = 900_000;

function claimant(more: Partial<Claimant> = {}): Claimant {
  return {
    session: "s1",
    instance: "i1",
    owner: "o1",
    bindId: 1,
    label: "web",
    force: false,
    from: undefined,
    ...more,
  };
}

function held(more: Partial<HeldLease> = {}): HeldLease {
  const verdict = judgeBind(undefined, claimant(), PORT);
  if (verdict.type !== "granted") throw new Error("a free port is granted");
  return { ...verdict.lease, ...more };
}

describe("a bind of a port that has a lease", () => {
  test("that nobody holds is granted to its owner, and refused to others", () => {
    const kept = stepLease(held(), { type: "lost" }, 0, LEASE_MS) as Lease;
    expect(judgeBind(kept, claimant({ session: "s2" }), PORT)).toMatchObject({
      type: "granted",
      lease: { generation: 1, session: "s2" },
      displaced: undefined,
    });
    const restarted = judgeBind(kept, claimant({ session: "s2", instance: "i2" }), PORT);
    expect(restarted).toMatchObject({ type: "granted", lease: { generation: 2 } });
    for (const owner of ["o2", undefined]) {
      expect(judgeBind(kept, claimant({ owner, force: true }), PORT)).toEqual({
        type: "refused",
        code: "leased",
      });
    }
  });

  test("of the same instance is handed over to its new session, without a change of generation", () => {
    expect(judgeBind(held(), claimant({ session: "s2" }), PORT)).toMatchObject({
      type: "granted",
      lease: { generation: 1, session: "s2" },
      displaced: { session: "s1", bindId: 1, replaced: false },
    });
  });

  test("of another instance that is away is taken over at once", () => {
    const newcomer = claimant({ session: "s2", instance: "i2" });
    expect(judgeBind(held({ awaySince: 5 }), newcomer, PORT)).toMatchObject({
      type: "granted",
      lease: { generation: 2, session: "s2", instance: "i2", awaySince: undefined },
      displaced: { session: "s1", bindId: 1, replaced: true },
    });
  });

  test("of another instance that is there is asked for, and taken over only if it is silent", () => {
    const newcomer = claimant({ session: "s2", instance: "i2" });
    expect(judgeBind(held(), newcomer, PORT)).toEqual({ type: "ask", session: "s1" });
    expect(judgeBind(held(), newcomer, PORT, { answered: "s1" })).toEqual({ type: "refused", code: "held" });
    expect(judgeBind(held(), newcomer, PORT, { silent: "s1" })).toMatchObject({ type: "granted" });
  });

  test("is asked for again when meanwhile somebody else has it", () => {
    const newcomer = claimant({ session: "s3", instance: "i3" });
    for (const evidence of [{ silent: "s1" }, { answered: "s1" }]) {
      const verdict = judgeBind(held({ session: "s2", instance: "i2" }), newcomer, PORT, evidence);
      expect(verdict).toEqual({ type: "ask", session: "s2" });
    }
  });

  test("of a living instance is taken over with force, but never from another owner", () => {
    const newcomer = claimant({ session: "s2", instance: "i2", force: true });
    expect(judgeBind(held(), newcomer, PORT)).toMatchObject({
      type: "granted",
      displaced: { replaced: true },
    });
    expect(judgeBind(held(), { ...newcomer, owner: "o2" }, PORT)).toMatchObject({ code: "leased" });
  });

  test("without an owner is never anybody else's", () => {
    const anonymous = held({ owner: undefined });
    const same = claimant({ owner: undefined, session: "s2" });
    expect(judgeBind(anonymous, same, PORT)).toMatchObject({ code: "leased" });
  });

  test("by the session that has it already is a mistake", () => {
    expect(judgeBind(held(), claimant({ bindId: 2 }), PORT)).toMatchObject({ code: "duplicate" });
  });
});

describe("a lease", () => {
  test("lasts a term from the moment that its session lost its link, or ended", () => {
    const away = stepLease(held(), { type: "away" }, 100, LEASE_MS) as HeldLease;
    expect(stepLease(away, { type: "away" }, 200, LEASE_MS)).toMatchObject({ awaySince: 100 });
    expect(stepLease(away, { type: "lost" }, 500, LEASE_MS)).toMatchObject({
      until: 100 + LEASE_MS,
      expected: true,
    });
    const back = stepLease(away, { type: "attached" }, 300, LEASE_MS) as HeldLease;
    const lost = stepLease(back, { type: "lost" }, 500, LEASE_MS) as Lease;
    expect(lost).toMatchObject({ state: "kept", until: 500 + LEASE_MS });
    expect(leaseExpired(lost, 500 + LEASE_MS - 1)).toBe(false);
    expect(leaseExpired(lost, 500 + LEASE_MS)).toBe(true);
    expect(leaseExpired(held(), Infinity)).toBe(false);
  });

  test("that was given back is kept for its owner, whose visitors are not waited for", () => {
    expect(stepLease(held(), { type: "given_back" }, 7, LEASE_MS)).toMatchObject({
      state: "kept",
      until: 7 + LEASE_MS,
      expected: false,
    });
  });

  test("without an owner ends with its session", () => {
    for (const type of ["given_back", "lost"] as const) {
      expect(stepLease(held({ owner: undefined }), { type }, 0, LEASE_MS)).toBeUndefined();
    }
  });
});
