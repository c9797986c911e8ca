import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Claimant, HeldLease, Lease } from "./lease.ts";
import { LeaseTable } from "./lease-table.ts";

const LIMITS = { leaseMs: 1_000, leases: 6, targetsPerOwner: 3, leasesPerAddress: 4 };
const PORTS = [1, 2, 3, 4, 5, 6, 7, 8];

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

/** What a relay does with a bind, without the ports. */
function bind(table: LeaseTable, wanted: Claimant, port: number, evidence: object = {}): HeldLease | string {
  const verdict = table.judge(wanted, port, evidence);
  if (verdict.type !== "granted") return verdict.type;
  if (table.get(port) === undefined && !table.makeRoom(wanted).ok) return "full";
  table.take(verdict.lease);
  return verdict.lease;
}

describe("the lease that a client means which names no port", () => {
  test("is the one of the same target, its own first, and never one that this session has", () => {
    const table = new LeaseTable(LIMITS);
    bind(table, claimant(), 1);
    expect(table.meant(claimant())).toBeUndefined();
    expect(table.meant(claimant({ session: "s2", instance: "i2" }))?.port).toBe(1);
    expect(table.meant(claimant({ session: "s2", label: "other" }))).toBeUndefined();
    expect(table.meant(claimant({ session: "s2", owner: "o2" }))).toBeUndefined();
    bind(table, claimant({ session: "s2", instance: "i2" }), 2);
    expect(table.meant(claimant({ session: "s3", instance: "i2" }))?.port).toBe(2);
    table.change("s2", { type: "lost" }, 0);
    expect(table.meant(claimant({ session: "s3", instance: "i3" }))?.port).toBe(2);
  });

  test("is none without an owner", () => {
    const table = new LeaseTable(LIMITS);
    bind(table, claimant({ owner: undefined }), 1);
    expect(table.meant(claimant({ owner: undefined, session: "s2" }))).toBeUndefined();
  });
});

test("an owner's oldest lease that is not in use makes room; those in use do not", () => {
  const table = new LeaseTable(LIMITS);
  for (const port of [1, 2, 3]) bind(table, claimant({ session: `s${port}`, bindId: port }), port);
  expect(bind(table, claimant({ session: "s4" }), 4)).toBe("full");
  table.change("s2", { type: "given_back" }, 0);
  expect(bind(table, claimant({ session: "s4" }), 4)).toMatchObject({ port: 4 });
  expect(table.get(2)).toBeUndefined();
  expect([...table.leases()].map(({ port }) => port)).toEqual([1, 3, 4]);
});

test("an address has so many leases, whatever owners it makes up, until they end", () => {
  const table = new LeaseTable({ ...LIMITS, leasesPerAddress: 2 });
  const from = (address: string | undefined, owner: string): Claimant =>
    claimant({ session: owner, instance: owner, owner, from: address });
  expect(bind(table, from("192.0.2.1", "o1"), 1)).toMatchObject({ port: 1, from: "192.0.2.1" });
  expect(bind(table, from("192.0.2.1", "o2"), 2)).toMatchObject({ port: 2 });
  expect(table.makeRoom(from("192.0.2.1", "o3"))).toEqual({ ok: false, full: "address" });
  expect(bind(table, from("192.0.2.2", "o3"), 3)).toMatchObject({ port: 3 });
  expect(bind(table, from(undefined, "o4"), 4)).toMatchObject({ port: 4 });
  // An owner who comes back from elsewhere has what it had, and it counts where it was made.
  table.change("o1", { type: "lost" }, 0);
  expect(bind(table, { ...from("192.0.2.9", "o1"), session: "again" }, 1)).toMatchObject({
    from: "192.0.2.1",
  });
  expect(bind(table, from("192.0.2.1", "o5"), 5)).toBe("full");
  table.change("again", { type: "given_back" }, 0);
  expect(bind(table, from("192.0.2.1", "o5"), 5)).toBe("full");
  table.expire(LIMITS.leaseMs);
  expect(bind(table, from("192.0.2.1", "o5"), 5)).toMatchObject({ port: 5 });
});

test("an owner's unused lease goes only for one that is then granted", () => {
  const table = new LeaseTable({ ...LIMITS, targetsPerOwner: 1, leasesPerAddress: 1 });
  bind(table, claimant({ session: "s1", from: "192.0.2.1" }), 1);
  table.change("s1", { type: "given_back" }, 0);
  bind(table, claimant({ session: "s2", owner: "o2", from: "192.0.2.2" }), 2);
  expect(bind(table, claimant({ session: "s3", from: "192.0.2.2" }), 3)).toBe("full");
  expect(table.get(1)).toBeDefined();
  expect(bind(table, claimant({ session: "s3", from: "192.0.2.1" }), 3)).toMatchObject({ port: 3 });
  expect(table.get(1)).toBeUndefined();
});

const owners = fc.constantFrom("o1", "o2", undefined);
const programs = fc.record({ owner: owners, program: fc.integer({ min: 0, max: 2 }) });

const operation = fc.oneof(
  fc.record({
    type: fc.constant("bind" as const),
    by: programs,
    port: fc.constantFrom(...PORTS),
    force: fc.boolean(),
    evidence: fc.constantFrom("none", "silent", "answered"),
    bindId: fc.integer({ min: 1, max: 9 }),
  }),
  fc.record({ type: fc.constantFrom("away", "attached", "given_back", "lost" as const), by: programs }),
  fc.record({ type: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 900 }) }),
);

type Operation = typeof operation extends fc.Arbitrary<infer O> ? O : never;

/** Drives a table and checks after each step what must always hold. */
class Checked {
  readonly table = new LeaseTable(LIMITS);
  now = 0;
  /** The present session of each program; a new one after each end. */
  readonly sessions = new Map<string, number>();

  run(next: Operation): void {
    if (next.type === "wait") {
      this.now += next.ms;
      for (const lease of this.table.expire(this.now)) expect(lease).toMatchObject({ state: "kept" });
    } else if (next.type === "bind") {
      this.bind(next);
    } else {
      const { session } = this.who(next.by);
      const before = this.table.heldBy(session);
      const changes = this.table.change(session, { type: next.type } as never, this.now);
      expect(changes.map((change) => change.before)).toEqual(before);
      if (next.type === "lost" || next.type === "given_back") this.ended(next.by, session);
    }
    this.check();
  }

  who({ owner, program }: { owner: string | undefined; program: number }): {
    session: string;
    instance: string;
  } {
    const instance = `${owner ?? "nobody"} ${program}`;
    return { instance, session: `${instance} ${this.sessions.get(instance) ?? 0}` };
  }

  ended(by: { owner: string | undefined; program: number }, session: string): void {
    expect(this.table.heldBy(session)).toEqual([]);
    const { instance } = this.who(by);
    this.sessions.set(instance, (this.sessions.get(instance) ?? 0) + 1);
  }

  bind({ by, port, force, evidence, bindId }: Operation & { type: "bind" }): void {
    const who = claimant({ ...this.who(by), owner: by.owner, force, bindId });
    const before = this.table.get(port);
    const holder = before?.state === "held" ? before.session : "nobody";
    const granted = bind(this.table, who, port, evidence === "none" ? {} : { [evidence]: holder });
    if (typeof granted === "string") {
      if (granted !== "full") expect(this.table.get(port)).toEqual(before);
      return;
    }
    expect(this.table.get(port)).toEqual(granted);
    if (before !== undefined) this.mayTake(before, who, granted, evidence === "silent");
  }

  /** Nobody loses a port who was there, but to its own owner's force. */
  mayTake(before: Lease, who: Claimant, granted: HeldLease, silent: boolean): void {
    expect(before.owner).toBeDefined();
    expect(granted.owner).toBe(before.owner);
    const changed = before.instance !== who.instance;
    expect(granted.generation).toBe(before.generation + (changed ? 1 : 0));
    if (before.state !== "held" || !changed) return;
    expect(before.awaySince !== undefined || silent || who.force).toBe(true);
  }

  check(): void {
    const leases = [...this.table.leases()];
    expect(leases.length).toBe(this.table.size);
    expect(this.table.size).toBeLessThanOrEqual(LIMITS.leases);
    for (const lease of leases) {
      if (lease.state === "held") expect(this.table.heldBy(lease.session)).toContainEqual(lease);
      else expect(lease.owner).toBeDefined();
    }
    for (const owner of ["o1", "o2"]) {
      expect(leases.filter((lease) => lease.owner === owner).length).toBeLessThanOrEqual(
        LIMITS.targetsPerOwner,
      );
    }
  }
}

test("whatever happens, a port is one owner's, and nobody who is there loses it", () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const checked = new Checked();
      for (const next of operations) checked.run(next);
    }),
    { numRuns: 1_000 },
  );
});
