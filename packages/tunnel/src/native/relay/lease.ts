// One lease: the relay's promise to keep a port for its owner. A reducer: who asks, who holds, and what time it is
// go in; who has it comes out. Nothing here knows sockets or sessions, only their names.
import type { Instant } from "@holdfast/core";

/** Who binds. */
export interface Claimant {
  /** The session that binds. */
  readonly session: string;
  /** The program (one line object) that the session belongs to. */
  readonly instance: string;
  /** Whose lease it is to be; without an owner a lease ends with its session. */
  readonly owner: string | undefined;
  readonly bindId: number;
  /** What is exposed, in the client's words. */
  readonly label: string;
  /** Take it from a living program of the same owner. */
  readonly force: boolean;
  /** The address that a new lease counts for; `undefined`: for none, because it comes from this machine. */
  readonly from: string | undefined;
}

interface LeaseTraits {
  readonly port: number;
  readonly owner: string | undefined;
  /** The program that had it last. */
  readonly instance: string;
  readonly label: string;
  /** Raised at each change of the program, so that nobody takes an old holder's word for the present one's. */
  readonly generation: number;
  /** The address that it was made from, and counts for until it ends, whoever of its owner's programs has it. */
  readonly from: string | undefined;
}

/** A session has it. */
export interface HeldLease extends LeaseTraits {
  readonly state: "held";
  readonly session: string;
  readonly bindId: number;
  /** Since when the session has had no link; `undefined` while it has one. */
  readonly awaySince: Instant | undefined;
}

/** Nobody has it, and nobody but its owner can get it. */
export interface KeptLease extends LeaseTraits {
  readonly state: "kept";
  readonly until: Instant;
  /** Its visitors are parked, because its owner did not mean to go. */
  readonly expected: boolean;
}

export type Lease = HeldLease | KeptLease;

/** Who had a lease until somebody took it over. */
export interface Displaced {
  readonly session: string;
  readonly bindId: number;
  /** Another program has it now: tell the old one that it was replaced. */
  readonly replaced: boolean;
}

export type BindVerdict =
  | { readonly type: "granted"; readonly lease: HeldLease; readonly displaced: Displaced | undefined }
  /** The holder's session must be asked for a sign of life; judge again with what came of it. */
  | { readonly type: "ask"; readonly session: string }
  | { readonly type: "refused"; readonly code: "leased" | "held" | "duplicate" };

/** `silent`: the session that was asked for a sign of life and gave none. */
export function judgeBind(
  lease: Lease | undefined,
  claimant: Claimant,
  port: number,
  evidence: { readonly silent?: string | undefined; readonly answered?: string | undefined } = {},
): BindVerdict {
  if (lease === undefined) return grant(undefined, claimant, port);
  if (lease.owner === undefined || lease.owner !== claimant.owner) return { type: "refused", code: "leased" };
  if (lease.state === "kept") return grant(lease, claimant, port);
  if (lease.session === claimant.session) return { type: "refused", code: "duplicate" };
  if (lease.instance === claimant.instance || claimant.force) return grant(lease, claimant, port);
  if (lease.awaySince !== undefined || evidence.silent === lease.session) return grant(lease, claimant, port);
  if (evidence.answered === lease.session) return { type: "refused", code: "held" };
  return { type: "ask", session: lease.session };
}

function grant(lease: Lease | undefined, claimant: Claimant, port: number): BindVerdict {
  const { owner, instance, label, session, bindId } = claimant;
  const changes = lease !== undefined && lease.instance !== instance;
  const generation = lease === undefined ? 1 : lease.generation + (changes ? 1 : 0);
  const from = lease === undefined ? claimant.from : lease.from;
  const held = { state: "held", port, owner, instance, label, generation, from } as const;
  const displaced =
    lease?.state === "held" ? { session: lease.session, bindId: lease.bindId, replaced: changes } : undefined;
  return { type: "granted", lease: { ...held, session, bindId, awaySince: undefined }, displaced };
}

export type LeaseInput =
  /** The session that holds it lost its link, or has one again. */
  | { readonly type: "away" }
  | { readonly type: "attached" }
  /** The session gave it back, or ended as its client asked. */
  | { readonly type: "given_back" }
  /** The session ended in any other way: its owner is expected back. */
  | { readonly type: "lost" };

/** @returns the lease as it is now; nothing if there is none any more. */
export function stepLease(
  lease: HeldLease,
  input: LeaseInput,
  now: Instant,
  leaseMs: number,
): Lease | undefined {
  switch (input.type) {
    case "away":
      return { ...lease, awaySince: lease.awaySince ?? now };
    case "attached":
      return { ...lease, awaySince: undefined };
    case "given_back":
      return keep(lease, now + leaseMs, false);
    case "lost":
      return keep(lease, (lease.awaySince ?? now) + leaseMs, true);
  }
}

function keep(lease: HeldLease, until: Instant, expected: boolean): KeptLease | undefined {
  const { port, owner, instance, label, generation, from } = lease;
  if (owner === undefined) return undefined;
  return { state: "kept", port, owner, instance, label, generation, from, until, expected };
}

/** Whether the promise is over. One that is held lasts as long as its session. */
export function leaseExpired(lease: Lease, now: Instant): boolean {
  return lease.state === "kept" && lease.until <= now;
}
